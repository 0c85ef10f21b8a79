import { CanopyError } from "#/base/errors.ts";
import type { SimulatedClock } from "#/base/simulated-clock.ts";
import type { Offer } from "#/model/site.ts";
import { siteConfig, type SimulatedConfig } from "#/model/site-config.ts";
import type { HeldMachine, Holdings, MachineOrder, Site } from "#/sites/site.ts";
import type { SimulatedWorld } from "#/sites/simulated.ts";
import type { Market, Terms } from "./spot-market.ts";

const dollar = 1_000_000;
const hourMs = 3_600_000;
const capacity = { milliCpus: 1000, memoryBytes: 2 ** 30 };
const onDemand = "on-demand";

/** A site that has one on-demand machine, and one spot machine in each zone while the trace has it. */
export class TraceSite implements Site {
  readonly name = "market";
  readonly config: SimulatedConfig;
  #market: Market;
  #terms: Terms;
  #clock: SimulatedClock;
  #world: Pick<SimulatedWorld, "ended"> & { booted(order: string): void };
  #machines = new Map<string, HeldMachine & { offer: string; since: number }>();
  #billed = { hours: 0, starts: 0 };

  constructor(
    market: Market,
    terms: Terms,
    clock: SimulatedClock,
    world: { booted(order: string): void; ended(order: string, reason: string): void },
  ) {
    this.#market = market;
    this.#terms = terms;
    this.#clock = clock;
    this.#world = world;
    const shape = { ...capacity, bootMs: { median: 0, p90: 0 } };
    const offers = [{ name: onDemand, ...shape, microsPerHour: dollar }];
    this.config = siteConfig.parse({ type: "simulated", offers }) as SimulatedConfig;
    this.#tick();
  }

  now(): Offer[] {
    const zones = this.#market.zones.map(({ zone }) =>
      this.#offer(zone, "spot", this.#isAvailable(zone) ? 1 : 0),
    );
    return [this.#offer(onDemand, "on-demand", 1), ...zones];
  }

  offers(): Promise<Offer[]> {
    return Promise.resolve(this.now());
  }

  acquire({ name: order, offer }: MachineOrder): Promise<HeldMachine> {
    const known = this.#machines.get(order);
    if (known) return Promise.resolve(known);
    const one = this.now().find(({ name }) => name === offer);
    if (!one || one.countMax === 0)
      return Promise.reject(new CanopyError("no-capacity", `there is no ${offer} now`));
    const since = this.#clock.now();
    const machine = { order, handle: order, state: "running" as const, since, offer };
    this.#machines.set(order, machine);
    this.#billed.starts++;
    this.#clock.after(this.#bootMs, () => {
      if (this.#machines.get(order)?.state === "running") this.#world.booted(order);
    });
    return Promise.resolve(machine);
  }

  /** Hours of all machines until now, those of spot machines at their price. */
  billed(): { hours: number; starts: number } {
    for (const machine of this.#machines.values()) this.#bill(machine);
    this.#machines.clear();
    return this.#billed;
  }

  #bill({ offer, since, state }: { offer: string; since: number; state: string }): void {
    if (state === "ended") return;
    const price = offer === onDemand ? 1 : this.#terms.spotPrice;
    this.#billed.hours += ((this.#clock.now() - since) / hourMs) * price;
  }

  held(): Promise<Holdings> {
    return Promise.resolve({ machines: [...this.#machines.values()], unknown: [] });
  }

  release(order: string): Promise<void> {
    const machine = this.#machines.get(order);
    if (machine) this.#bill(machine);
    if (this.#machines.delete(order)) this.#world.ended(order, "it was released");
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #bootMs(): number {
    return this.#terms.changeoverTicks * this.#market.tickMs;
  }

  /** Takes back what the trace does not have any more. */
  #tick(): void {
    for (const [order, machine] of this.#machines) {
      if (machine.offer === onDemand || machine.state === "ended") continue;
      if (this.#isAvailable(machine.offer)) continue;
      const reason = "the site took it back";
      this.#bill(machine);
      this.#machines.set(order, { ...machine, state: "ended", reason });
      this.#world.ended(order, reason);
    }
    const { tickMs } = this.#market;
    const now = this.#clock.now();
    this.#clock.after((Math.floor(now / tickMs) + 1) * tickMs - now, () => this.#tick());
  }

  #isAvailable(name: string): boolean {
    const { zones, tickMs } = this.#market;
    const found = zones.find(({ zone }) => zone === name);
    return found?.available[Math.floor(this.#clock.now() / tickMs)] === 1;
  }

  #offer(name: string, market: Offer["market"], free: number): Offer {
    const held = [...this.#machines.values()].filter(
      ({ offer, state }) => offer === name && state !== "ended",
    ).length;
    const boot = this.#bootMs;
    return {
      site: this.name,
      name,
      capacity,
      labels: {},
      market,
      zone: name,
      microsPerHour: market === "spot" ? this.#terms.spotPrice * dollar : dollar,
      priceGranularityMs: 1000,
      billedMsMin: 0,
      idleWatts: undefined,
      peakWatts: undefined,
      pue: undefined,
      gramsPerKwh: undefined,
      bootMs: { median: boot, p90: boot },
      interruptionsPerHour: market === "spot" ? undefined : 0,
      countMax: Math.max(0, free - held),
    };
  }
}
