import type { Host } from "#/base/host.ts";
import { silent } from "#/base/log.ts";
import type { Log } from "#/base/log.ts";
import type { Processes } from "#/base/processes.ts";
import type { Sockets } from "#/base/sockets.ts";
import type { Tally } from "../faults/tally.ts";
import { MachineClock } from "./clock.ts";
import { Disk } from "./disk.ts";
import { Life } from "./life.ts";
import type { Net } from "./net.ts";
import type { World } from "./world.ts";

/** One simulated machine: clocks and a disk that stay, and one process at a time that runs on it. */
export class Machine {
  readonly name: string;
  readonly world: World;
  readonly net: Net;
  readonly clock: MachineClock;
  readonly disk: Disk;
  /** False from a power cut until it is up again. */
  isUp = true;
  /** The process that runs now, or ran last. */
  life: Life;
  starts = 0;
  /** Where what it logs goes; nowhere when absent. */
  log: Log = silent;

  constructor(name: string, parts: { world: World; net: Net; tally: Tally }) {
    this.name = name;
    this.world = parts.world;
    this.net = parts.net;
    this.clock = new MachineClock(parts.world, parts.world.chance.between(1, 10_000_000));
    this.disk = new Disk(parts.world, parts.tally);
    this.life = new Life(name);
    this.life.end();
  }

  /** A new process, in place of one that has ended, and what it is given of the world. */
  begin(): { life: Life; host: Host } {
    this.life = new Life(`${this.name}#${++this.starts}`);
    const { life } = this;
    const host: Host = {
      clock: this.clock.of(life),
      random: this.world.stream(),
      files: this.disk.of(life),
      network: this.net.of(this, life),
      sockets: noSockets,
      processes: processesOf(this.name),
      log: this.log,
    };
    return { life, host };
  }

  /** kill -9. False when nothing runs there. */
  kill(): boolean {
    if (this.life.isOver) return false;
    this.life.end();
    return true;
  }

  /** False when it has none already. */
  cutPower(): boolean {
    if (!this.isUp) return false;
    this.isUp = false;
    this.life.end();
    this.disk.cut();
    return true;
  }

  /** None of its events happens until then; what comes by the network waits. False when it stands still for as long, or nothing runs there. */
  pause(ms: number): boolean {
    const untilMs = this.world.nowMs + ms;
    if (this.life.isOver || this.life.pausedUntilMs >= untilMs) return false;
    this.life.pausedUntilMs = untilMs;
    return true;
  }
}

const GiB = 2 ** 30;

/** What talks by sockets of its own is never started here. */
const noSockets: Sockets = {
  connect: () => Promise.reject(new Error("Cannot connect to a socket in a simulation")),
  listen: () => Promise.reject(new Error("Cannot listen at a socket in a simulation")),
};

/** Tasks are simulated by their driver: no process is ever started here. */
function processesOf(hostname: string): Processes {
  const none = (): never => {
    throw new Error("Cannot start a process in a simulation");
  };
  return {
    nodePath: "/usr/bin/node",
    spawn: none,
    cages: () => undefined,
    marked: () => [],
    kill: () => {},
    groupUsage: () => ({ cpuMs: 0, memoryBytes: 0 }),
    usage: () => undefined,
    isAlive: () => false,
    startedTicks: () => undefined,
    facts: () => ({
      hostname,
      addresses: [hostname],
      interfaces: [],
      os: "linux",
      arch: "x64",
      cpus: 4,
      memoryBytes: 8 * GiB,
    }),
    load: () => ({ cpuShare: 0.5, memoryFreeBytes: 4 * GiB }),
  };
}
