import { bootMsUnknown, type KnownOffer } from "#/autonomic/machine-types.ts";
import type { SitePool } from "#/autonomic/pool.ts";
import { charge } from "#/autonomic/orders.ts";
import { orderCost } from "#/autonomic/spending.ts";
import { CanopyError } from "#/base/errors.ts";
import type { SimulatedClock } from "#/base/simulated-clock.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { SimulatedConfig } from "#/model/site-config.ts";
import { SimulatedSite } from "#/sites/simulated.ts";
import type { Site } from "#/sites/site.ts";
import type { Space } from "#/space/space.ts";
import type { MomentAutonomy } from "./autonomy.ts";
import { machineForOrder } from "./offered.ts";

interface Parts {
  space: Space;
  clock: SimulatedClock;
  /** So that boot times and interruptions differ between forks. */
  seed: number;
  addMachine: (machine: MachineRecord) => void;
}

/** The sites of a fork, whose machines exist in its time, and what was ordered of them. */
export class ForkSites implements SitePool {
  #parts: Parts;
  #offers: readonly KnownOffer[];
  #before: ReadonlyMap<string, OrderRecord>;
  #sites = new Map<string, Site>();
  #orders = new Map<string, OrderRecord>();

  constructor({ offers, orders }: MomentAutonomy, parts: Parts) {
    this.#offers = offers;
    this.#parts = parts;
    this.#before = new Map(orders.map((order) => [order.name, order]));
    for (const order of orders) this.#orders.set(order.name, order);
    const names = [...offers.map(({ site }) => site), ...orders.map(({ spec }) => spec.site)];
    for (const name of new Set(names)) this.#open(name);
    parts.space.onApplied((changes) => {
      for (const { op, record } of changes)
        if (record.kind === "order" && op !== "archive") this.#orders.set(record.name, record);
    });
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
  has(order: string | undefined): boolean {
    return order !== undefined && this.#orders.has(order);
  }

  /** Millionths of the currency for what was ordered, from an instant until `at`; undefined where a price is unknown. */
  costMicros(from: number, at: number): number | undefined {
    let sum = 0;
    for (const [name, order] of this.#orders) {
      const before = this.#before.get(name);
      const until = orderCost(at, order);
      const paid = before ? orderCost(from, before) : 0;
      if (until === undefined || paid === undefined) return undefined;
      sum += until - paid;
    }
    return sum;
  }

  /** Machines bought since the fork began. */
  get bought(): number {
    return this.#orders.size - this.#before.size;
  }

  /** Those of a job whose machines are not given back. */
  openOrders(job: string): OrderRecord[] {
    return [...this.#orders.values()].filter(
      (order) => order.spec.job === job && !hasOrderEnded(order),
    );
  }

  offers(): readonly KnownOffer[] {
    const open = [...this.#orders.values()].filter(
      (order) => !hasOrderEnded(order) && !this.#before.has(order.name),
    );
    return this.#offers.map((offer) => {
      const isOfIt = ({ spec }: OrderRecord) =>
        spec.site === offer.site && spec.offer.name === offer.name;
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
    const offers = this.#offers.filter(({ site }) => site === name);
    const site = new SimulatedSite(simulated(offers, seed), {
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
    const costMicros = orderCost(now, order);
    space.commit((tx) => {
      const status = { ...order.status, phase: "failed", since: now, endedAt: now } as const;
      const cost = costMicros === undefined ? {} : { costMicros };
      tx.put<"order">({ ...order, status: { ...status, ...cost } });
      if (order.spec.job !== undefined) charge(tx, order.spec.job, costMicros);
      if (machine !== undefined) tx.delete("machine", machine);
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
