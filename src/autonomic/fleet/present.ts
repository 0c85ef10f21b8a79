import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { siteOf, type MachineRecord } from "#/model/machine.ts";
import { isComing, type OrderRecord } from "#/model/order.ts";
import type { Amounts } from "#/model/quota.ts";
import type { Space } from "#/space/space.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import { bootMsUnknown } from "../machine-types.ts";
import { withBorrowed, withinQuota } from "../within-quota.ts";
import type { Reading } from "./field.ts";
import type { Carrier, OwnMachine } from "./shrink.ts";
import type { FleetMachine } from "./starts.ts";
import type { Loads } from "./watch.ts";

interface Parts {
  space: Pick<Space, "get" | "all">;
  knowledge: Pick<Knowledge, "offers" | "slownessOf">;
  clock: Pick<Clock, "now" | "monotonicMs">;
  reading: Reading;
  loads: Loads;
  project: string;
  /** Of the project's fleet. */
  orders: readonly OrderRecord[];
  /** Over so long machines are watched. */
  windowMs: number;
}

/** The machines of one project at one look: those that its tasks may use, and those that were ordered for them. */
export class Present {
  #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** What tasks of the project may begin on, now or when it has booted. */
  machines(): FleetMachine[] {
    const { reading, knowledge } = this.#parts;
    const shares = this.#shares();
    const quota = this.#quota();
    const there = this.#usable().map((machine): FleetMachine => {
      const isOwn = this.#isOwn(machine);
      return {
        name: machine.name,
        site: siteOf(machine.spec),
        capacity: machine.status.capacity,
        labels: machine.spec.labels,
        drivers: machine.status.drivers,
        bootMs: 0,
        slowness: knowledge.slownessOf(machine),
        share: isOwn ? shares.ofOwn : shares.ofAll,
        ...(quota && !isOwn && { quota }),
        busy: reading.busy(machine),
      };
    });
    return [...there, ...this.#expected(shares.ofOwn)];
  }

  /** Of the fleet, and joined. */
  own(): OwnMachine[] {
    const { space, orders, loads, clock, reading } = this.#parts;
    return orders.flatMap((order) => {
      const { phase, machine: name, drainsSince } = order.status;
      const machine = name === undefined ? undefined : space.get("machine", name);
      if (phase !== "joined" || !machine) return [];
      return [
        {
          ...this.#carrier(machine),
          order,
          idleMs: loads.idleMs(machine.name, clock.monotonicMs()),
          running: reading.running(machine.name),
          isDraining: drainsSince !== undefined && machine.spec.cordoned,
        },
      ];
    });
  }

  /** Machines of others that the project may use: with a quota those that it covers for what runs on the fleet. */
  others(): Carrier[] {
    const { orders, reading, knowledge } = this.#parts;
    const own = new Set(orders.map(({ status }) => status.machine));
    const running = [...own].flatMap((name) => (name === undefined ? [] : reading.running(name)));
    const work = running.map(({ needs, driver, leftMs }) => ({
      needs,
      driver,
      tasks: 1,
      runMs: leftMs,
      atOnce: 1,
    }));
    const quota = this.#quota();
    const machines = this.#usable().map((machine) => ({
      ...this.#carrier(machine),
      slowness: knowledge.slownessOf(machine),
      ...(quota && !this.#isOwn(machine) && { quota }),
    }));
    return withinQuota(work, machines).filter(
      ({ name, covered }) => covered === undefined && !own.has(name),
    );
  }

  /** Of the fleet, and on their way. */
  get coming(): number {
    return this.#parts.orders.filter(isComing).length;
  }

  #expected(share: number): FleetMachine[] {
    const { space, orders, knowledge, clock } = this.#parts;
    return orders
      .filter((order) => isComing(order) || isJoining(space, order))
      .map(({ name, spec }) => {
        const [offer] = knowledge.offers([spec.offer]);
        const { capacity, labels, bootMs, slowness = 1 } = offer!;
        const waitedMs = Math.max(0, clock.now() - spec.orderedAt);
        const leftMs = (bootMs?.p90 ?? bootMsUnknown) - waitedMs;
        return {
          name,
          site: spec.site,
          capacity,
          labels,
          drivers: undefined,
          // One that is late may take half as long again, or never come.
          bootMs: leftMs > 0 ? Math.max(limits.bootMsMin, leftMs) : waitedMs / 2,
          slowness,
          share,
          busy: [],
        };
      });
  }

  /** Machines that take tasks of the project. */
  #usable(): MachineRecord[] {
    const { space, reading, project } = this.#parts;
    return reading.machines.flatMap(({ machine: name, connected }) => {
      const machine = space.get("machine", name);
      if (!machine || !connected || machine.spec.cordoned) return [];
      const { reservedFor, reservedForProject: payer = project } = machine.spec;
      return reservedFor === undefined && payer === project ? [machine] : [];
    });
  }

  /** What the machines of others count in; undefined where that is nothing. */
  #quota(): Amounts | undefined {
    const { space, project } = this.#parts;
    const own = space.get("project", project)?.spec;
    if (own?.cohort === undefined) return own?.quota;
    const others = [...space.all("project")].filter(({ name }) => name !== project);
    return withBorrowed(
      own,
      others.map(({ spec }) => spec),
    );
  }

  #isOwn({ spec }: MachineRecord): boolean {
    return spec.reservedForProject === this.#parts.project;
  }

  /** What a project's jobs without a goal get of machines: those of its own, and those that are for all. */
  #shares(): { ofOwn: number; ofAll: number } {
    const { space, reading, project } = this.#parts;
    const weight = (name: string) => space.get("project", name)?.spec.weight ?? 1;
    const all = [...new Set([...reading.projects, project])];
    const sum = all.reduce((total, name) => total + weight(name), 0);
    const { planned, others } = reading.jobs(project);
    const ofOwn = planned === 0 ? 1 : Math.max(1, others) / (planned + Math.max(1, others));
    return { ofOwn, ofAll: (ofOwn * weight(project)) / sum };
  }

  #carrier({ name, status, spec }: MachineRecord): Carrier {
    const { loads, clock, windowMs } = this.#parts;
    const load = loads.average(name, clock.monotonicMs(), windowMs);
    const { capacity, drivers } = status;
    return { name, site: siteOf(spec), capacity, drivers, labels: spec.labels, load };
  }
}

/** It has joined, and its agent has not said hello yet. */
function isJoining(space: Pick<Space, "get">, { status: { phase, machine } }: OrderRecord) {
  const record = machine === undefined ? undefined : space.get("machine", machine);
  return phase === "joined" && record !== undefined && record.status.capacity.milliCpus === 0;
}
