import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { siteOf, type MachineRecord } from "#/model/machine.ts";
import { hasOrderEnded, isFleetOrder, type OrderRecord } from "#/model/order.ts";
import {
  autonomicPolicyName,
  fleetName,
  policyOf,
  type AutonomicPolicy,
  type Autonomy,
  type FleetPolicy,
} from "#/model/policy.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import type { CarbonZones } from "../carbon/zones.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import type { KnownRules } from "../known-rules.ts";
import { bootMsUnknown } from "../machine-types.ts";
import { cordon, giveBack } from "../orders.ts";
import type { SitePool } from "../pool.ts";
import { purchase } from "../purchase.ts";
import type { Rules } from "../rules.ts";
import { hourOf } from "./bill.ts";
import { Reading, type FleetField } from "./field.ts";
import { grow, isDue, type Growth } from "./grow.ts";
import { shrink, type Carrier, type Change, type OwnMachine } from "./shrink.ts";
import type { FleetMachine } from "./starts.ts";
import { Ages, Load } from "./watch.ts";

export interface FleetParts {
  space: Space;
  field: FleetField;
  knowledge: Pick<Knowledge, "seen" | "offers" | "slownessOf" | "recurring">;
  rules: KnownRules;
  zones: CarbonZones;
  sites: Pick<SitePool, "offers">;
  /** One that nobody sets: money is by the hour. */
  clock: Clock;
  random: Random;
  log: Log;
}

const bootMsMin = 1000;

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
  #rules: KnownRules;
  #ages = new Ages();
  #loads = new Map<string, Load>();
  #believed = new Map<string, { atMs: number; runMs: number }>();
  /** What a fleet is made of, and since when. */
  #steady = new Map<string, { of: string; sinceMs: number }>();
  /** Projects of which something is expected that machines are there for. */
  #awaiting = new Set<string>();
  /** Where nothing could be bought, that is thought about again after a while. */
  #short = new Map<string, { at: number; policy: object; owned: number; growth: Growth }>();
  /** What was said last of a project's fleet, so that it is not said again and again. */
  #said = new Map<string, string>();

  constructor(parts: FleetParts, wallClock: Clock) {
    this.#parts = parts;
    this.#wallClock = wallClock;
    this.#rules = parts.rules;
    const { clock, log } = parts;
    this.loop = startLoop("fleet", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.fleetLookMs,
    });
    this.loop.wake();
  }

  async #turn(): Promise<void> {
    const { space, log } = this.#parts;
    const fleets = new Map<string, AutonomicPolicy | undefined>();
    for (const order of space.all("order"))
      if (isFleetOrder(order) && !hasOrderEnded(order)) fleets.set(order.project, undefined);
    for (const record of space.all("policy")) {
      const policy = policyOf(record, "autonomic");
      if (policy?.fleet || fleets.has(record.project)) fleets.set(record.project, policy);
    }
    if (fleets.size === 0) return this.#forget();
    for (const project of fleets.keys()) {
      const rules = await this.#rules.of(project);
      try {
        this.#tend(project, rules);
      } catch (thrown) {
        log.error(`the machines of the project ${project} were not looked after`, {
          error: messageOf(thrown),
        });
      }
    }
  }

  #forget(): void {
    this.#loads.clear();
    this.#said.clear();
    this.#believed.clear();
  }

  #tend(project: string, rules: Rules): void {
    const { space } = this.#parts;
    const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
    const fleet = policy?.fleet;
    const reading = this.#read();
    const orders = [...space.all("order")].filter(
      (order) => isFleetOrder(order) && order.project === project,
    );
    const open = orders.filter((order) => !hasOrderEnded(order));
    const growth = fleet ? this.#growth(reading, orders, project, policy, rules) : undefined;
    const changes = this.#shrinkage(reading, orders, project, fleet, growth);
    const isTakenBack = changes.some(({ type }) => type === "keep");
    for (const change of changes) this.#change(project, change, rules.level("release"));
    // What is taken back needs no boot: whether more is needed is seen with the next look.
    if (growth && !isTakenBack) this.#grow(project, growth, rules.level("buy"));
    if (!fleet && open.length === 0) this.#said.delete(project);
  }

  #read(): Reading {
    const { space, field, knowledge, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (this.#believed.size > 10 * limits.fleetKindsMax) this.#believed.clear();
    const now = this.#wallClock.now();
    const ages = this.#ages;
    return new Reading({ space, field, knowledge, ages, believed: this.#believed, now, nowMs });
  }

  #growth(
    reading: Reading,
    orders: readonly OrderRecord[],
    project: string,
    policy: AutonomicPolicy,
    rules: Rules,
  ): Growth {
    const { clock, sites, zones, knowledge } = this.#parts;
    const fleet = policy.fleet!;
    const now = clock.now();
    const wall = this.#wallClock.now();
    const waiting = reading.kinds(project, fleet.waitMsMax);
    const kinds = [...waiting, ...reading.expected(project)];
    const owned = orders.filter((order) => !hasOrderEnded(order)).length;
    if (kinds.length === 0 && owned >= fleet.machinesMin) {
      this.#awaiting.delete(project);
      return { type: "enough" };
    }
    const known = this.#short.get(project);
    const isKnown = known?.policy === policy && known.owned === owned;
    if (isKnown && now - known.at < limits.goalRestMs) return known.growth;
    const offers = knowledge
      .offers(sites.offers())
      .filter(({ rests }) => rests === undefined)
      .map((offer) => zones.known(offer, wall, wall))
      .filter((offer) => !offer.isSimulated && rules.allowed(offer, fleetTitle, now) === undefined);
    const growth = grow({
      policy: fleet,
      objective: policy.objective ?? "cost",
      kinds,
      machines: this.#machines(reading, orders, project),
      offers,
      owned,
      hourMicros: hourOf(orders, now),
    });
    const isAwaiting = kinds.some(
      (kind) => kind.expected && isDue({ offers, policy: fleet }, kind),
    );
    if (isAwaiting) this.#awaiting.add(project);
    else this.#awaiting.delete(project);
    if (growth.type === "short") this.#short.set(project, { at: now, policy, owned, growth });
    else this.#short.delete(project);
    return growth;
  }

  /** What tasks of a project may begin on, now or when it has booted. */
  #machines(reading: Reading, orders: readonly OrderRecord[], project: string): FleetMachine[] {
    const { space, knowledge, clock } = this.#parts;
    const shares = this.#sharesOf(reading, project);
    const there = this.#usable(reading, project).map((machine): FleetMachine => {
      const isOwn = machine.spec.reservedForProject === project;
      return {
        name: machine.name,
        site: siteOf(machine.spec),
        capacity: machine.status.capacity,
        labels: machine.spec.labels,
        drivers: machine.status.drivers,
        bootMs: 0,
        slowness: knowledge.slownessOf(machine),
        share: isOwn ? shares.ofOwn : shares.ofAll,
        busy: reading.busy(machine),
      };
    });
    const coming = orders
      .filter(({ status }) => isComing(status.phase) || isJoining(space, status))
      .map(({ name, spec }): FleetMachine => {
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
          bootMs: leftMs > 0 ? Math.max(bootMsMin, leftMs) : waitedMs / 2,
          slowness,
          share: shares.ofOwn,
          busy: [],
        };
      });
    return [...there, ...coming];
  }

  /** Machines that take tasks of the project. */
  #usable({ machines }: Reading, project: string): MachineRecord[] {
    const { space } = this.#parts;
    return machines.flatMap(({ machine: name, connected }) => {
      const machine = space.get("machine", name);
      if (!machine || !connected || machine.spec.cordoned) return [];
      const { reservedFor, reservedForProject: payer = project } = machine.spec;
      return reservedFor === undefined && payer === project ? [machine] : [];
    });
  }

  /** What a project's jobs without a goal get of machines: those of its own, and those that are for all. */
  #sharesOf(reading: Reading, project: string): { ofOwn: number; ofAll: number } {
    const { space } = this.#parts;
    const weight = (name: string) => space.get("project", name)?.spec.weight ?? 1;
    const all = [...new Set([...reading.projects, project])];
    const sum = all.reduce((total, name) => total + weight(name), 0);
    const { planned, others } = reading.jobs(project);
    const ofOwn = planned === 0 ? 1 : Math.max(1, others) / (planned + Math.max(1, others));
    return { ofOwn, ofAll: (ofOwn * weight(project)) / sum };
  }

  #shrinkage(
    reading: Reading,
    orders: readonly OrderRecord[],
    project: string,
    fleet: FleetPolicy | undefined,
    growth: Growth | undefined,
  ): Change[] {
    const { clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const windowMs = fleet?.idleMs ?? 0;
    this.#watch(reading, nowMs, windowMs);
    const own = orders.flatMap((order) => this.#ownMachine(reading, order, nowMs, windowMs));
    const ownNames = new Set(own.map(({ name }) => name));
    const others = this.#usable(reading, project)
      .filter(({ name }) => !ownNames.has(name))
      .map((machine) => this.#carrier(machine, nowMs, windowMs));
    const coming = orders.filter(({ status }) => isComing(status.phase)).length;
    const of = own.map(({ name, isDraining }) => `${name}${isDraining}`).join();
    const known = this.#steady.get(project);
    if (known?.of !== of) this.#steady.set(project, { of, sinceMs: nowMs });
    return shrink({
      policy: fleet,
      now: clock.now(),
      own,
      coming,
      others,
      isShort: growth !== undefined && growth.type !== "enough",
      isAwaiting: this.#awaiting.has(project),
      orders,
      steadyMs: nowMs - this.#steady.get(project)!.sinceMs,
    });
  }

  #watch({ machines }: Reading, nowMs: number, windowMs: number): void {
    const { space } = this.#parts;
    const there = new Set<string>();
    for (const { machine: name, connected, running, free } of machines) {
      const capacity = space.get("machine", name)?.status.capacity;
      if (!capacity || !connected) continue;
      there.add(name);
      const freePart = Math.min(
        free.milliCpus / Math.max(1, capacity.milliCpus),
        free.memoryBytes / Math.max(1, capacity.memoryBytes),
      );
      let load = this.#loads.get(name);
      if (!load) this.#loads.set(name, (load = new Load()));
      load.look(1 - freePart, running, nowMs, windowMs);
    }
    for (const name of this.#loads.keys()) if (!there.has(name)) this.#loads.delete(name);
  }

  #ownMachine(reading: Reading, order: OrderRecord, nowMs: number, windowMs: number): OwnMachine[] {
    const { phase, machine: name, drainsSince } = order.status;
    const machine = name === undefined ? undefined : this.#parts.space.get("machine", name);
    if (phase !== "joined" || !machine) return [];
    return [
      {
        ...this.#carrier(machine, nowMs, windowMs),
        order,
        idleMs: this.#loads.get(machine.name)?.idleMs(nowMs) ?? 0,
        running: reading.running(machine.name),
        isDraining: drainsSince !== undefined && machine.spec.cordoned,
      },
    ];
  }

  #carrier({ name, status, spec }: MachineRecord, nowMs: number, windowMs: number): Carrier {
    const load = this.#loads.get(name)?.average(nowMs, windowMs);
    const { capacity, drivers } = status;
    return { name, site: siteOf(spec), capacity, drivers, labels: spec.labels, load };
  }

  #grow(project: string, growth: Growth, level: Autonomy): void {
    if (growth.type === "enough") return void this.#said.delete(`${project} grow`);
    const { why, flip } = growth;
    const parts = growth.type === "buy" ? growth.parts : [];
    const wish = parts
      .map(({ site, offer, count }) => `${count} ${offer} of ${site}`)
      .join(" and ");
    const offers = parts.map(({ site, offer }) => `${site} ${offer}`).join();
    const said = `${level} ${growth.type} ${growth.type === "buy" ? offers : why.at(-1)}`;
    const isNew = this.#isNew(`${project} grow`, said);
    const { space, sites, clock, random } = this.#parts;
    const payer = { name: fleetName(project), project, isFleet: true };
    if (parts.length > 0 && level === "act") {
      const reasons = { why, ...(flip !== undefined && { flip }) };
      const with_ = { offers: sites.offers(), clock, random };
      space.commit((tx) => {
        for (const part of parts) purchase(tx, payer, part, reasons, with_);
      });
      return;
    }
    if (!isNew || level === "manual") return;
    const isAdvice = level !== "observe" && wish !== "";
    space.commit((tx) => {
      decide(tx, payer, {
        at: clock.now(),
        action: "hold",
        what: isAdvice ? `would order ${wish}` : "needs more machines than are there",
        why,
        ...(parts.length > 0
          ? { flip: "with autonomy.buy: act in the project's policy that would have been done" }
          : flip !== undefined && { flip }),
      });
    });
  }

  /** Does what the policy lets Canopy do by itself, and says what it does not let it do. */
  #change(project: string, change: Change, level: Autonomy): void {
    const { space, clock } = this.#parts;
    const { order: name, machine, why, flip } = change;
    const at = clock.now();
    const about = { name: fleetName(project), project };
    if (level === "act") {
      space.commit((tx) => {
        const order = tx.get("order", name);
        if (!order || order.status.phase !== "joined") return;
        carryOut(tx, order, change, at);
        const action = change.type === "keep" ? "hold" : "release";
        const more = { why, subject: machine, ...(flip !== undefined && { flip }) };
        decide(tx, about, { at, action, what: `${done[change.type]} ${machine}`, ...more });
      });
      return;
    }
    const text = `${change.type} ${level}`;
    if (level === "manual" || !this.#isNew(`${project} ${machine}`, text)) return;
    // What is shared is given back and bought again often: by "approve" that is said, and waits for nobody.
    const what = level === "observe" ? "has more than it needs" : `would do without ${machine}`;
    const how = "with autonomy.release: act in the project's policy that would have been done";
    space.commit((tx) =>
      decide(tx, about, { at, action: "hold", what, why, flip: how, subject: machine }),
    );
  }

  /** Whether that is said for the first time since something else was. */
  #isNew(of: string, said: string): boolean {
    const isNew = this.#said.get(of) !== said;
    this.#said.set(of, said);
    return isNew;
  }
}

/** What a policy's condition sees as the title of the job. */
const fleetTitle = "fleet";

const done = {
  release: "gave back",
  drain: "takes out of use",
  keep: "keeps after all",
} as const;

function carryOut(tx: Transaction, order: OrderRecord, { type, why }: Change, at: number): void {
  const { status } = order;
  if (type === "release") return giveBack(tx, order.name, why[0]!, at, { spared: true });
  const { drainsSince: _, ...rest } = status;
  const isKept = type === "keep";
  tx.put<"order">({
    ...order,
    status: isKept
      ? { ...rest, takenBack: (status.takenBack ?? 0) + 1 }
      : { ...status, drainsSince: at },
  });
  cordon(tx, status.machine, !isKept);
}

function isComing(phase: OrderRecord["status"]["phase"]): boolean {
  return phase === "ordered" || phase === "booting";
}

/** It has joined, and its agent has not said hello yet. */
function isJoining(space: Pick<Space, "get">, { phase, machine }: OrderRecord["status"]): boolean {
  const record = machine === undefined ? undefined : space.get("machine", machine);
  return phase === "joined" && record !== undefined && record.status.capacity.milliCpus === 0;
}
