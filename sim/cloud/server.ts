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

  /** kill -9; another process begins after that time. */
  kill(restartMs: number): void {
    this.#restartMs = restartMs;
    this.machine.kill();
  }

  /** SIGTERM, and kill -9 when that does not end it in time. */
  stop(restartMs: number): void {
    const { machine } = this;
    const { life } = machine;
    const end = () => {
      if (machine.life === life && !life.isOver) this.kill(restartMs);
    };
    machine.world.after(stopMsMax, undefined, "stopped for too long", end);
    this.#stop().then(end, end);
  }

  /** No power for that time: what was not synced is lost, and nobody is told. */
  cutPower(forMs: number): void {
    this.#restartMs = forMs;
    this.machine.cutPower();
  }

  /** It never comes back. */
  lose(): void {
    this.#isLost = true;
    this.machine.cutPower();
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
