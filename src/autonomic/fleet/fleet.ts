import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { hasOrderEnded, isFleetOrder, type OrderRecord } from "#/model/order.ts";
import {
  autonomicPolicyName,
  policyOf,
  type AutonomicPolicy,
  type FleetPolicy,
} from "#/model/policy.ts";
import type { CarbonZones } from "../carbon/zones.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import type { KnownOffer } from "../machine-types.ts";
import type { KnownRules } from "../known-rules.ts";
import type { Rules } from "../rules.ts";
import { FleetActs } from "./act.ts";
import type { ActParts } from "../goals/act.ts";
import { hourOf } from "./bill.ts";
import { Reading, type FleetField } from "./field.ts";
import { grow, isDue, type Growth } from "./grow.ts";
import { FleetMemory } from "./memory.ts";
import { Present } from "./present.ts";
import { shrink, type Change } from "./shrink.ts";
import { Ages, Loads } from "./watch.ts";

/** With a clock that nobody sets: money is by the hour. */
export interface FleetParts extends ActParts {
  field: FleetField;
  knowledge: Pick<Knowledge, "seen" | "offers" | "slownessOf" | "recurring">;
  rules: KnownRules;
  zones: CarbonZones;
  log: Log;
  /** How often it looks: each second unless said. */
  everyMs?: number;
}

/** A project at one look. */
interface Turn {
  readonly project: string;
  readonly policy: AutonomicPolicy | undefined;
  readonly rules: Rules;
  readonly memory: FleetMemory;
  readonly reading: Reading;
  /** Of its fleet: open, or ended lately. */
  readonly orders: readonly OrderRecord[];
  readonly present: Present;
}

/**
 * The loop that looks after the machines that a project's jobs share. Monitor: what waits, what runs, and what
 * machines were held to of late. Analyze and plan: `grow` and `shrink`, pure functions. Execute: orders,
 * which the loop that keeps goals carries out. What it was told to do and has done is in the records; what it has only
 * watched begins anew after a start.
 */
export function startFleet(parts: FleetParts, wallClock: Clock): Loop {
  return new FleetLoop(parts, wallClock).loop;
}

class FleetLoop {
  readonly loop: Loop;
  #parts: FleetParts;
  #wallClock: Clock;
  #ages = new Ages();
  #loads = new Loads();
  #believed = new Map<string, { atMs: number; runMs: number }>();
  #memories = new Map<string, FleetMemory>();

  constructor(parts: FleetParts, wallClock: Clock) {
    this.#parts = parts;
    this.#wallClock = wallClock;
    const { clock, log, everyMs = limits.fleetLookMs } = parts;
    this.loop = startLoop("fleet", () => this.#turn(), { clock, log, everyMs });
    this.loop.wake();
  }

  async #turn(): Promise<void> {
    const { space, log, rules, clock } = this.#parts;
    const known = new Map<string, Rules>();
    for (const project of this.#projects()) known.set(project, await rules.of(project));
    for (const project of this.#memories.keys())
      if (!known.has(project)) this.#memories.delete(project);
    if (known.size === 0) return this.#forget();
    const reading = this.#read();
    const policies = new Map([...known.keys()].map((project) => [project, this.#policy(project)]));
    const windows = [...policies.values()].map((policy) => policy?.fleet?.idleMs ?? 0);
    this.#watch(reading, Math.max(...windows));
    const orders = Map.groupBy(
      [...space.all("order")].filter(isFleetOrder),
      ({ project }) => project,
    );
    for (const [project, of] of known) {
      const policy = policies.get(project);
      const own = orders.get(project) ?? [];
      const windowMs = policy?.fleet?.idleMs ?? 0;
      const { knowledge } = this.#parts;
      const seen = { space, knowledge, clock, reading, loads: this.#loads };
      const present = new Present({ ...seen, project, orders: own, windowMs });
      const memory = this.#memory(project);
      try {
        this.#tend({ project, policy, rules: of, memory, reading, orders: own, present });
      } catch (thrown) {
        log.error(`the machines of the project ${project} were not looked after`, {
          error: messageOf(thrown),
        });
      }
    }
  }

  /** Those that have a fleet, or have machines of one left. */
  #projects(): Set<string> {
    const { space } = this.#parts;
    const found = new Set<string>();
    for (const order of space.all("order"))
      if (isFleetOrder(order) && !hasOrderEnded(order)) found.add(order.project);
    for (const record of space.all("policy"))
      if (policyOf(record, "autonomic")?.fleet) found.add(record.project);
    return found;
  }

  #policy(project: string): AutonomicPolicy | undefined {
    return policyOf(this.#parts.space.get("policy", autonomicPolicyName(project)), "autonomic");
  }

  #memory(project: string): FleetMemory {
    let memory = this.#memories.get(project);
    if (!memory) this.#memories.set(project, (memory = new FleetMemory()));
    return memory;
  }

  #forget(): void {
    this.#loads = new Loads();
    this.#ages = new Ages();
    this.#believed.clear();
  }

  #tend(turn: Turn): void {
    const { project, policy, rules, memory } = turn;
    const growth = policy?.fleet ? this.#growth(turn, policy, policy.fleet) : undefined;
    const changes = this.#shrinkage(turn, growth);
    const isTakenBack = changes.some(({ type }) => type === "keep");
    const acts = new FleetActs(this.#parts, project, rules, memory, policy?.objective ?? "cost");
    for (const change of changes) acts.change(change);
    // What is taken back needs no boot: whether more is needed is seen with the next look.
    if (growth && !isTakenBack) acts.grow(growth);
    acts.propose();
    memory.keep(new Set(["grow", ...turn.orders.flatMap(({ status }) => status.machine ?? [])]));
  }

  #read(): Reading {
    const { space, field, knowledge, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#believed.size > 10 * limits.fleetKindsMax) this.#believed.clear();
    const now = this.#wallClock.now();
    const ages = this.#ages;
    return new Reading({ space, field, knowledge, ages, believed: this.#believed, now, nowMs });
  }

  #growth(turn: Turn, policy: AutonomicPolicy, fleet: FleetPolicy): Growth {
    const { project, memory, reading, orders, present } = turn;
    const { clock } = this.#parts;
    const kinds = [...reading.kinds(project, fleet.waitMsMax), ...reading.expected(project)];
    const owned = orders.filter((order) => !hasOrderEnded(order)).length;
    const known = memory.short;
    memory.short = undefined;
    if (kinds.length === 0 && owned >= fleet.machinesMin) {
      memory.isAwaiting = false;
      return { type: "enough" };
    }
    const nowMs = clock.monotonicMs();
    const isKnown = known?.policy === policy && known.owned === owned;
    if (isKnown && nowMs - known.atMs < limits.goalRestMs) {
      memory.short = known;
      return known.growth;
    }
    const offers = this.#offers(turn.rules);
    const growth = grow({
      policy: fleet,
      objective: policy.objective ?? "cost",
      kinds,
      machines: present.machines(),
      offers,
      owned,
      hourMicros: hourOf(orders, clock.now()),
    });
    memory.isAwaiting = kinds.some(
      (kind) => kind.expected && isDue({ offers, policy: fleet }, kind),
    );
    if (growth.type === "short") memory.short = { atMs: nowMs, policy, owned, growth };
    return growth;
  }

  /** Those that may be taken. */
  #offers(rules: Rules): KnownOffer[] {
    const { clock, sites, zones, knowledge } = this.#parts;
    const now = clock.now();
    const wall = this.#wallClock.now();
    return knowledge
      .offers(sites.offers())
      .filter(({ rests }) => rests === undefined)
      .map((offer) => zones.known(offer, wall, wall))
      .filter((offer) => !offer.isSimulated && rules.allowed(offer, fleetTitle, now) === undefined);
  }

  #shrinkage(turn: Turn, growth: Growth | undefined): Change[] {
    const { policy, memory, orders, present } = turn;
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const own = present.own();
    const of = own.map(({ name, isDraining }) => `${name}${isDraining}`).join();
    if (memory.steady.of !== of) memory.steady = { of, sinceMs: nowMs };
    return shrink({
      policy: policy?.fleet,
      now: clock.now(),
      own,
      coming: present.coming,
      others: present.others(),
      short: growth && growth.type !== "enough" ? growth.short : [],
      isAwaiting: memory.isAwaiting,
      orders,
      steadyMs: nowMs - memory.steady.sinceMs,
    });
  }

  #watch({ machines }: Reading, keepMs: number): void {
    const { space, clock } = this.#parts;
    const there = machines.flatMap(({ machine: name, connected, running, free }) => {
      const capacity = space.get("machine", name)?.status.capacity;
      if (!capacity || !connected) return [];
      const freePart = Math.min(
        free.milliCpus / Math.max(1, capacity.milliCpus),
        free.memoryBytes / Math.max(1, capacity.memoryBytes),
      );
      return [{ name, part: 1 - freePart, running }];
    });
    this.#loads.look(there, clock.monotonicMs(), keepMs);
  }
}

/** What a policy's condition sees as the title of the job. */
export const fleetTitle = "fleet";
