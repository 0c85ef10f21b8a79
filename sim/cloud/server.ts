import type { Machine } from "../world/machine.ts";
import type { Life } from "../world/life.ts";

/** A machine whose process is started again whenever it has ended, as a supervisor of the system does. */
export class Server {
  readonly machine: Machine;
  restarts = 0;
  #boot: (machine: Machine) => Life;
  #restartMs = 0;
  #isDown = false;
  #isLost = false;

  /** `boot` begins a process on the machine and gives its life. */
  constructor(machine: Machine, boot: (machine: Machine) => Life) {
    this.machine = machine;
    this.#boot = boot;
  }

  start(): void {
    this.#boot(this.machine).onEnd(() => this.#later());
  }

  /** kill -9; another process begins after that time. */
  kill(restartMs: number): void {
    this.#restartMs = restartMs;
    this.machine.kill();
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
