import type { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { startFleet } from "#/autonomic/fleet/fleet.ts";
import { observedOf } from "#/autonomic/knowledge/observed.ts";
import type { KnownRunTimes } from "#/autonomic/knowledge/run-times.ts";
import { machineTypeOf, sortOfTitle } from "#/autonomic/knowledge/sorts.ts";
import { KnownRules } from "#/autonomic/known-rules.ts";
import { bootMsUnknown, type KnownOffer } from "#/autonomic/machine-types.ts";
import { Orders } from "#/autonomic/orders.ts";
import type { SitePool } from "#/autonomic/pool.ts";
import { orderCost } from "#/autonomic/spending.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import type { SimulatedClock } from "#/base/simulated-clock.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { hasOrderEnded, isFleetOrder, type OrderRecord } from "#/model/order.ts";
import { policyOf, type PolicyRecord } from "#/model/policy.ts";
import type { Change } from "#/model/record.ts";
import type { SimulatedConfig } from "#/model/site-config.ts";
import type { Offer } from "#/model/site.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import { SimulatedSite } from "#/sites/simulated.ts";
import type { Site } from "#/sites/site.ts";
import type { Space } from "#/space/space.ts";
import { machineForOrder } from "./offered.ts";

/** What a fork needs to know so that projects' shared machines are looked after in it as they are in the cloud. */
export interface MomentFleet {
  /** Policies that have a fleet, or had one. */
  readonly policies: readonly PolicyRecord[];
  /** Of fleets: open, or ended lately. */
  readonly orders: readonly OrderRecord[];
  readonly offers: readonly KnownOffer[];
}

/** Undefined where no project has a fleet, and nobody asks what would be if one had. */
export function fleetOf(
  policies: Iterable<PolicyRecord>,
  orders: Iterable<OrderRecord>,
  offers: readonly KnownOffer[],
  isAsked: boolean,
): MomentFleet | undefined {
  const own = [...orders].filter(isFleetOrder);
  const all = [...policies].filter((policy) => policyOf(policy, "autonomic"));
  const isWanted = all.some((policy) => policyOf(policy, "autonomic")!.fleet);
  if (!isAsked && !isWanted && own.every(hasOrderEnded)) return undefined;
  return { policies: all, orders: own, offers };
}

interface Parts {
  space: Space;
  clock: SimulatedClock;
  scheduler: Scheduler;
  random: Random;
  /** So that boot times and interruptions differ between forks. */
  seed: number;
  runTimes: KnownRunTimes;
  zones: CarbonZones;
  addMachine: (machine: MachineRecord) => void;
}

/**
 * Fleets in a fork: the loop that looks after them and what carries out orders as they are, over sites whose
 * machines exist in simulated time. Time passes by itself only after something has changed, so that nothing is
 * looked at for ever.
 */
export class ForkFleet implements SitePool {
  #parts: Parts;
  #fleet: MomentFleet;
  #sites = new Map<string, Site>();
  #orders = new Map<string, OrderRecord>();
  #loops: Loop[] = [];
  #lookMs: number;
  #idleMs: number;
  #isLookDue = false;
  #isIdleDue = false;
  #hasChanged = false;

  /** Records that the fork begins with. Machines that boot are expected when the moment says, and not ordered again. */
  static recordsOf({ policies, orders }: MomentFleet): (PolicyRecord | OrderRecord)[] {
    const known = orders.map((order): OrderRecord =>
      order.status.phase === "ordered"
        ? { ...order, status: { ...order.status, phase: "booting" } }
        : order,
    );
    return [...policies, ...known];
  }

  constructor(fleet: MomentFleet, parts: Parts) {
    this.#fleet = fleet;
    this.#parts = parts;
    const fleets = fleet.policies.flatMap((policy) => policyOf(policy, "autonomic")?.fleet ?? []);
    const waitMs = Math.min(...fleets.map(({ waitMsMax }) => waitMsMax));
    this.#lookMs = Math.max(limits.fleetLookMs, Number.isFinite(waitMs) ? waitMs / 20 : 0);
    this.#idleMs = Math.max(0, ...fleets.map(({ idleMs }) => idleMs)) + 2 * this.#lookMs;
    for (const order of fleet.orders) this.#orders.set(order.name, order);
  }

  async start(): Promise<void> {
    const { space, clock, random, scheduler, runTimes, zones } = this.#parts;
    for (const site of new Set(this.#fleet.offers.map((offer) => offer.site))) this.#open(site);
    const rules = new KnownRules(space);
    // Compiled now: nothing in a fork waits for anything but its own time.
    for (const { project } of this.#fleet.policies) await rules.of(project);
    const knowledge = {
      seen: (project: string) => (title: string) => {
        const seen = runTimes.sorts.get(sortOfTitle(project, title));
        return seen && observedOf({ endedMs: seen.endedMs, runningMs: [] });
      },
      slownessOf: (machine: Pick<MachineRecord, "spec" | "status">) =>
        runTimes.slowness.get(machineTypeOf(machine)) ?? 1,
      offers: (offers: readonly Offer[]) => [...offers],
      // What comes in a fork is drawn by chance.
      recurring: () => [],
      throttled: () => {},
    };
    const given = { space, clock, random, knowledge, sites: this, log: silent };
    const orders = new Orders({
      ...given,
      createToken: () => "",
      urls: () => [],
      onChange: () => this.#changed(),
    });
    const everyMs = limits.goalLookMs;
    this.#loops = [
      startLoop("orders", () => orders.look(), { clock, log: silent, everyMs }),
      startFleet({ ...given, rules, zones, field: scheduler }, clock),
    ];
    space.onApplied((changes) => this.#see(changes));
    this.#changed();
  }

  /** The machine of an order that was made before the fork began has booted. */
  joined(name: string): void {
    const { space, clock, addMachine } = this.#parts;
    const order = space.get("order", name);
    if (!order || (order.status.phase !== "ordered" && order.status.phase !== "booting")) return;
    const machine = machineForOrder(order);
    const now = clock.now();
    const status = { ...order.status, joinedAt: now, since: now, machine: machine.name };
    space.commit((tx) => tx.put<"order">({ ...order, status: { ...status, phase: "joined" } }));
    addMachine(machine);
  }

  /** Whether an order is looked after here. */
  has(order: string): boolean {
    return this.#orders.has(order);
  }

  /** When a machine of the fleet was given back; undefined while it is there, and for those of others. */
  endOf({ spec }: MachineRecord): number | undefined {
    return spec.order === undefined ? undefined : this.#orders.get(spec.order)?.status.endedAt;
  }

  /** Millionths of the currency for what was bought since the fork began, until `at`; undefined where a price is unknown. */
  boughtMicros(at: number): number | undefined {
    const before = new Set(this.#fleet.orders.map(({ name }) => name));
    return [...this.#orders.values()]
      .filter(({ name }) => !before.has(name))
      .reduce<number | undefined>((sum, order) => {
        const micros = orderCost(at, order);
        return sum === undefined || micros === undefined ? undefined : sum + micros;
      }, 0);
  }

  /** Machines bought since the fork began. */
  get bought(): number {
    return this.#orders.size - this.#fleet.orders.length;
  }

  offers(): readonly KnownOffer[] {
    const open = [...this.#orders.values()].filter((order) => !hasOrderEnded(order));
    const before = new Set(this.#fleet.orders.map(({ name }) => name));
    return this.#fleet.offers.map((offer) => {
      const isOfIt = ({ name, spec }: OrderRecord) =>
        !before.has(name) && spec.site === offer.site && spec.offer.name === offer.name;
      return { ...offer, countMax: Math.max(0, offer.countMax - open.filter(isOfIt).length) };
    });
  }

  site(name: string): Promise<Site> {
    const site = this.#sites.get(name);
    if (site) return Promise.resolve(site);
    return Promise.reject(new CanopyError("not-found", `Cannot find the site '${name}'`));
  }

  look(): Promise<void> {
    return Promise.resolve();
  }

  #open(name: string): void {
    const { clock, seed } = this.#parts;
    const offers = this.#fleet.offers.filter(({ site }) => site === name);
    const config = simulated(offers, seed);
    const site = new SimulatedSite(config, {
      name,
      clock,
      world: {
        booted: (order) => this.joined(order.name),
        ended: (order) => this.#taken(order),
      },
    });
    this.#sites.set(name, site);
  }

  /** Its site took it back; what it ran begins again elsewhere. */
  #taken(name: string): void {
    const { space, clock } = this.#parts;
    const order = space.get("order", name);
    if (!order || order.status.phase === "releasing" || hasOrderEnded(order)) return;
    const now = clock.now();
    const { machine } = order.status;
    space.commit((tx) => {
      const status = { ...order.status, phase: "failed", since: now, endedAt: now } as const;
      tx.put<"order">({ ...order, status });
      if (machine !== undefined) tx.delete("machine", machine);
    });
  }

  #see(changes: readonly Change[]): void {
    for (const { op, record } of changes) {
      if (record.kind === "order" && op !== "archive") this.#orders.set(record.name, record);
      if (record.kind !== "decision") this.#hasChanged = true;
    }
    if (this.#hasChanged) this.#changed();
  }

  /** Looks again a while after something has changed, and once more when machines may have been idle for long enough. */
  #changed(): void {
    const { clock } = this.#parts;
    if (!this.#isLookDue) {
      this.#isLookDue = true;
      clock.after(this.#lookMs, () => {
        this.#isLookDue = false;
        this.#hasChanged = false;
        for (const loop of this.#loops) loop.wake();
      });
    }
    if (this.#isIdleDue) return;
    this.#isIdleDue = true;
    clock.after(this.#idleMs, () => {
      this.#isIdleDue = false;
      for (const loop of this.#loops) loop.wake();
    });
  }
}

/** Offers as a simulated site has them. */
function simulated(offers: readonly KnownOffer[], seed: number): SimulatedConfig {
  const many = 100_000;
  return {
    type: "simulated",
    machinesMax: many,
    labels: {},
    seed,
    offers: offers.map((offer) => ({
      name: offer.name,
      ...offer.capacity,
      microsPerHour: offer.microsPerHour,
      idleWatts: offer.idleWatts,
      peakWatts: offer.peakWatts,
      pue: offer.pue,
      priceGranularityMs: offer.priceGranularityMs,
      billedMsMin: offer.billedMsMin,
      labels: { ...offer.labels },
      zone: offer.zone,
      bootMs: offer.bootMs ?? { median: bootMsUnknown, p90: bootMsUnknown },
      interruptionsPerHour: offer.interruptionsPerHour,
      countMax: many,
    })),
  };
}
