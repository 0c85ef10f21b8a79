import type { Machine } from "../world/machine.ts";
import type { Life } from "../world/life.ts";

const stopMsMax = 10_000;

/** A machine whose process is started again whenever it has ended, as a supervisor of the system does. */
export class Server {
  readonly machine: Machine;
  restarts = 0;
  #boot: () => Life;
  #stop: () => Promise<void>;
  #restartMs = 0;
  #isDown = false;
  #isLost = false;

  /** `boot` begins a process on the machine and gives its life; `stop` asks it to end in good order. */
  constructor(
    machine: Machine,
    boot: () => Life,
    stop: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.machine = machine;
    this.#boot = boot;
    this.#stop = stop;
  }

  start(): void {
    this.#boot().onEnd(() => this.#later());
  }

  /** kill -9; another process begins after that time. False when none runs. */
  kill(restartMs: number): boolean {
    if (this.machine.life.isOver) return false;
    this.#restartMs = restartMs;
    return this.machine.kill();
  }

  /** SIGTERM, and kill -9 when that does not end it in time. False when none runs. */
  stop(restartMs: number): boolean {
    const { machine } = this;
    const { life } = machine;
    if (life.isOver) return false;
    const end = () => {
      if (machine.life === life && !life.isOver) this.kill(restartMs);
    };
    machine.world.after(stopMsMax, undefined, "stopped for too long", end);
    this.#stop().then(end, end);
    return true;
  }

  /** No power for that time: what was not synced is lost, and nobody is told. False when it has none already. */
  cutPower(forMs: number): boolean {
    if (!this.machine.isUp) return false;
    this.#restartMs = forMs;
    return this.machine.cutPower();
  }

  /** It never comes back. False when it is down already. */
  lose(): boolean {
    this.#isLost = true;
    return this.machine.cutPower();
  }

  /** The fault is over: what is down, and what stands still, goes on. */
  mend(): void {
    this.machine.life.pausedUntilMs = 0;
    this.#again();
  }

  #later(): void {
    const { machine } = this;
    const restartMs = Math.max(this.#restartMs, 200);
    this.#restartMs = 0;
    this.#isDown = true;
    machine.world.after(restartMs, undefined, `start ${machine.name}`, () => this.#again());
  }

  #again(): void {
    if (!this.#isDown || this.#isLost) return;
    const { machine } = this;
    this.#isDown = false;
    this.restarts++;
    machine.isUp = true;
    machine.net.flush();
    this.start();
  }
}
