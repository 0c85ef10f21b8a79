import { createHash } from "node:crypto";
import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { BootTime, Offer } from "#/model/site.ts";
import type { SimulatedConfig } from "#/model/site-config.ts";
import type { HeldMachine, Holdings, MachineOrder, Site } from "./site.ts";
import { hourMs } from "#/model/units.ts";

/** Where simulated machines are. */
export interface SimulatedWorld {
  /** The machine has booted: its agent may join. */
  booted(order: MachineOrder): void;
  /** It is gone, with all that ran there. */
  ended(order: string, reason: string): void;
}

interface SimulatedParts {
  name: string;
  clock: Clock;
  /** Absent in a real cloud, where a simulated site has offers for forecasts, and no machines. */
  world?: SimulatedWorld | undefined;
}

type SimulatedOffer = SimulatedConfig["offers"][number];

interface Machine {
  order: MachineOrder;
  state: HeldMachine["state"];
  since: number;
  reason?: string;
  timer?: Timer;
}

/** The 0.9 quantile of the standard normal distribution. */
const normalP90 = 1.2815515655446004;

/**
 * Machines that exist in the time of `clock` alone. Boot times are log-normal through the offer's median
 * and p90, interruptions come at a constant hazard; both follow from the seed and from the order's name,
 * whatever else is ordered before or after.
 */
export class SimulatedSite implements Site {
  #config: SimulatedConfig;
  #parts: SimulatedParts;
  #machines = new Map<string, Machine>();

  constructor(config: SimulatedConfig, parts: SimulatedParts) {
    this.#config = config;
    this.#parts = parts;
  }

  offers(): Promise<Offer[]> {
    return Promise.resolve(this.#config.offers.map((offer) => this.#view(offer)));
  }

  async acquire(order: MachineOrder): Promise<HeldMachine> {
    const known = this.#machines.get(order.name);
    if (known) return heldOf(known);
    const { name, clock, world } = this.#parts;
    const cannot = `Cannot make the machine of ${order.name} as`;
    if (!world) {
      throw new CanopyError("forbidden", `${cannot} the site '${name}' is simulated`, {
        hint: "Its machines exist in forecasts only",
      });
    }
    const offer = this.#config.offers.find((one) => one.name === order.offer);
    if (!offer)
      throw new CanopyError("not-found", `${cannot} '${name}' has no offer '${order.offer}'`);
    if (this.#view(offer).countMax === 0)
      throw new CanopyError("no-capacity", `${cannot} '${name}' has no more of ${order.offer}`);
    const machine: Machine = { order, state: "booting", since: clock.now() };
    this.#machines.set(order.name, machine);
    const draw = (what: string) => fractionOf(`${this.#config.seed}/${order.name}/${what}`);
    const bootMs = logNormal(offer.bootMs, draw("angle"), draw("radius"));
    machine.timer = clock.after(bootMs, () => {
      machine.state = "running";
      this.#interruptLater(machine, offer, draw("interruption"));
      world.booted(order);
    });
    return heldOf(machine);
  }

  held(): Promise<Holdings> {
    return Promise.resolve({ machines: [...this.#machines.values()].map(heldOf), unknown: [] });
  }

  release(order: string): Promise<void> {
    const machine = this.#machines.get(order);
    this.#machines.delete(order);
    machine?.timer?.cancel();
    if (machine && machine.state !== "ended") this.#parts.world?.ended(order, "it was released");
    return Promise.resolve();
  }

  close(): Promise<void> {
    for (const { timer } of this.#machines.values()) timer?.cancel();
    return Promise.resolve();
  }

  #view(offer: SimulatedOffer): Offer {
    const { machinesMax, labels, gramsPerKwh } = this.#config;
    const live = [...this.#machines.values()].filter(({ state }) => state !== "ended");
    const ofIt = live.filter(({ order }) => order.offer === offer.name).length;
    return {
      site: this.#parts.name,
      name: offer.name,
      capacity: { milliCpus: offer.milliCpus, memoryBytes: offer.memoryBytes },
      labels: { ...labels, ...offer.labels },
      market: (offer.interruptionsPerHour ?? 0) > 0 || offer.soldOut ? "spot" : "on-demand",
      zone: offer.zone,
      microsPerHour: offer.microsPerHour,
      priceGranularityMs: offer.priceGranularityMs,
      billedMsMin: offer.billedMsMin,
      idleWatts: offer.idleWatts,
      peakWatts: offer.peakWatts,
      pue: offer.pue,
      gramsPerKwh,
      bootMs: offer.bootMs,
      interruptionsPerHour: offer.interruptionsPerHour ?? 0,
      countMax: this.#isSoldOut(offer)
        ? 0
        : Math.max(0, Math.min(offer.countMax - ofIt, machinesMax - live.length)),
      ...(!this.#parts.world && { isSimulated: true }),
    };
  }

  #isSoldOut({ soldOut }: SimulatedOffer): boolean {
    return soldOut !== undefined && this.#parts.clock.now() % soldOut.everyMs < soldOut.forMs;
  }

  #interruptLater(machine: Machine, offer: SimulatedOffer, fraction: number): void {
    const { interruptionsPerHour: perHour = 0, soldOut } = offer;
    const byHazardMs = perHour === 0 ? Infinity : (-Math.log(1 - fraction) / perHour) * hourMs;
    const bySaleMs = soldOut
      ? soldOut.everyMs - (this.#parts.clock.now() % soldOut.everyMs)
      : Infinity;
    const afterMs = Math.min(byHazardMs, bySaleMs);
    if (afterMs === Infinity) return;
    machine.timer = this.#parts.clock.after(afterMs, () => {
      machine.state = "ended";
      machine.reason = "the site took it back";
      this.#parts.world?.ended(machine.order.name, machine.reason);
    });
  }
}

function heldOf({ order, state, since, reason }: Machine): HeldMachine {
  const why = reason === undefined ? {} : { reason };
  return { order: order.name, handle: `simulated-${order.name}`, state, since, ...why };
}

/** In (0, 1), the same for the same text. */
function fractionOf(text: string): number {
  return (createHash("sha256").update(text).digest().readUIntBE(0, 6) + 0.5) / 2 ** 48;
}

/** By the transform of Box and Muller (Ann. Math. Statist. 29, 1958). */
function logNormal({ median, p90 }: BootTime, angle: number, radius: number): number {
  if (p90 <= median || median === 0) return median;
  const normal = Math.sqrt(-2 * Math.log(radius)) * Math.cos(2 * Math.PI * angle);
  return median * (p90 / median) ** (normal / normalP90);
}
