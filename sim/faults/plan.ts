import type { Server } from "../cloud/server.ts";
import type { Chance } from "#/base/chance.ts";
import { plentyBytes } from "../world/disk.ts";
import type { Net } from "../world/net.ts";
import type { World } from "../world/world.ts";
import type { Tally } from "./tally.ts";

interface Kind {
  name: string;
  /** Between two of them, on average. */
  everyMs: number;
  /** True when it changed something. One that nothing may ever meet calls `onFelt` when something does. */
  act(onFelt: () => void): boolean | void;
}

/** Everything that goes wrong in one run: which kinds and how often is up to its seed, so that no two are alike. */
export class Faults {
  #world: World;
  #chance: Chance;
  #tally: Tally;
  #net: Net;
  #planes: Server[];
  #others: Server[];
  #kinds: Kind[];
  #ends = new Set<() => void>();
  #isOver = false;

  constructor(parts: { world: World; tally: Tally; net: Net; planes: Server[]; others: Server[] }) {
    this.#world = parts.world;
    this.#chance = parts.world.stream();
    this.#tally = parts.tally;
    this.#net = parts.net;
    this.#planes = parts.planes;
    this.#others = parts.others;
    const chance = this.#chance;
    const pace = chance.spread(0.3, 3);
    this.#kinds = this.#all()
      .filter(() => chance.happens(0.75))
      .map((kind) => ({ ...kind, everyMs: kind.everyMs * pace * chance.spread(0.3, 3) }));
  }

  begin(): void {
    const chance = this.#chance;
    this.#net.weather = {
      late: chance.pick([0, 0.02, 0.1, 0.3]),
      lateMs: chance.pick([50, 500, 5_000]),
      cut: chance.pick([0, 0.0005, 0.005]),
      repeated: chance.pick([0, 0.1, 0.5]),
    };
    for (const kind of this.#kinds) this.#next(kind);
    const atSync = chance.pick([0, 0, 0.003, 0.02]);
    for (const server of this.#servers())
      server.machine.disk.onBusy = () => {
        if (chance.happens(atSync)) this.#endSoon(server);
      };
  }

  /** While it writes, or just after, when what it wrote may have been told. */
  #endSoon(server: Server): void {
    const { life } = server.machine;
    const waitMs = this.#chance.spread(0.01, 20);
    this.#world.after(waitMs, life, "ends in a write", () => {
      if (this.#isOver) return;
      const isCut = this.#chance.happens(0.5);
      const isDone = isCut
        ? server.cutPower(this.#chance.spread(1_000, 10_000))
        : server.kill(this.#chance.spread(200, 5_000));
      if (isDone) this.#tally.count(isCut ? "power cut in a write" : "killed in a write");
    });
  }

  /** Nothing goes wrong any more, and what was wrong is put right. */
  end(): void {
    this.#isOver = true;
    this.#net.weather = { late: 0, lateMs: 0, cut: 0, repeated: 0 };
    for (const end of this.#ends) end();
    for (const server of this.#servers()) {
      const { machine } = server;
      server.mend();
      machine.disk.failingSyncs = 0;
      machine.disk.onBusy = () => {};
      machine.disk.freeBytes = plentyBytes;
      machine.disk.slow.untilMs = 0;
    }
  }

  #next(kind: Kind): void {
    const waitMs = -Math.log(1 - this.#chance.fraction()) * kind.everyMs;
    this.#world.after(waitMs, undefined, kind.name, () => {
      if (this.#isOver) return;
      let isCounted = false;
      const count = () => {
        if (!isCounted) this.#tally.count(kind.name);
        isCounted = true;
      };
      if (kind.act(count)) count();
      this.#next(kind);
    });
  }

  #servers(): Server[] {
    return [...this.#planes, ...this.#others];
  }

  /** Ends by itself after that time, or when all faults end. */
  #until(forMs: number, end: () => void): void {
    const once = () => {
      if (this.#ends.delete(once)) end();
    };
    this.#ends.add(once);
    this.#world.after(forMs, undefined, "fault over", once);
  }

  #all(): Kind[] {
    const chance = this.#chance;
    const plane = () => chance.pick(this.#planes);
    const any = () => chance.pick(this.#servers());
    const other = () => chance.pick(this.#others);
    const running = () => {
      const { machine } = any();
      return machine.life.isOver ? undefined : machine;
    };
    const kind = (name: string, everySeconds: number, act: Kind["act"]): Kind => ({
      name,
      everyMs: everySeconds * 1000,
      act,
    });
    return [
      kind("control plane killed", 60, () => plane().kill(chance.spread(200, 20_000))),
      kind("agent or database killed", 40, () => other().kill(chance.spread(200, 30_000))),
      kind("control plane stopped", 90, () => plane().stop(chance.spread(200, 10_000))),
      kind("agent or database stopped", 90, () => other().stop(chance.spread(200, 10_000))),
      kind("power cut", 120, () => any().cutPower(chance.spread(1_000, 60_000))),
      kind("control plane away long", 3_000, () =>
        plane().cutPower(chance.spread(60_000, 3_600_000)),
      ),
      kind("process paused", 15, () => any().machine.pause(chance.spread(20, 20_000))),
      kind("control plane paused", 30, () => plane().machine.pause(chance.spread(500, 12_000))),
      kind("clock set", 20, () => {
        const offsetMs = (chance.fraction() - 0.5) * chance.spread(1_000, 7_200_000);
        const machine = running();
        machine?.clock.setWall(offsetMs);
        return machine !== undefined;
      }),
      kind("clock drifts", 20, () => {
        const rate = 1 + (chance.fraction() - 0.5) / 50;
        const machine = running();
        machine?.clock.drift(rate);
        return machine !== undefined;
      }),
      kind("partition", 30, (felt) => this.#partition(chance.spread(100, 60_000), false, felt)),
      kind("one-way partition", 30, (felt) =>
        this.#partition(chance.spread(100, 60_000), true, felt),
      ),
      kind("slow network", 15, (onFelt) => {
        const [from, to] = this.#pair();
        const [forMs, byMs] = [chance.spread(100, 30_000), chance.spread(5, 3_000)];
        this.#net.slow(from, to, { forMs, byMs, onFelt });
      }),
      // Counted by the network, as are those that its weather cuts.
      kind("connection picked", 4, () => {
        const open = [...this.#net.connections];
        if (open.length > 0) chance.pick(open).reset("ECONNRESET");
      }),
      kind("disk slow", 15, (onFelt) => {
        const untilMs = this.#world.nowMs + chance.spread(50, 10_000);
        any().machine.disk.slow = { untilMs, byMs: chance.spread(5, 1_000), onFelt };
      }),
      // Counted by the disk, with the sync that fails.
      kind("disk error", 60, () => void any().machine.disk.failingSyncs++),
      kind("disk full", 90, (onFelt) => {
        const { disk } = any().machine;
        disk.freeBytes = chance.pick([0, 1_000, 2 ** 20]);
        disk.onFull = onFelt;
        this.#until(chance.spread(1_000, 20_000), () => (disk.freeBytes = plentyBytes));
      }),
    ];
  }

  #pair(): [from: string, to: string] {
    const names = [...this.#net.machines.keys()];
    const from = this.#chance.pick(names);
    const rest = names.filter((name) => name !== from);
    return [from, this.#chance.pick(rest)];
  }

  #partition(forMs: number, isOneWay: boolean, onFelt: () => void): void {
    const chance = this.#chance;
    const ends: (() => void)[] = [];
    const block = (from: string, to: string) => ends.push(this.#net.block(from, to, onFelt));
    if (chance.happens(0.5)) {
      const [from, to] = this.#pair();
      block(from, to);
      if (!isOneWay) block(to, from);
    } else {
      const alone = chance.pick(this.#servers()).machine.name;
      for (const name of this.#net.machines.keys()) {
        if (name === alone) continue;
        block(alone, name);
        if (!isOneWay) block(name, alone);
      }
    }
    this.#until(forMs, () => {
      for (const end of ends) end();
    });
  }
}
