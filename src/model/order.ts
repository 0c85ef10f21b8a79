import type { RecordOf } from "./record.ts";
import type { Offer } from "./site.ts";
import { hourMs } from "./units.ts";

/**
 * A machine asked of a site. Its name is the idempotency token: whatever crashes, one order gives one
 * machine at most. It is "o…", with no "/" in it. Its project is the one that pays, "" when all do.
 */
export type OrderRecord = RecordOf<"order", OrderSpec, OrderStatus>;

export interface OrderSpec {
  readonly site: string;
  /** As it was when it was ordered. */
  readonly offer: Offer;
  readonly orderedAt: number;
  /** The plan, job or person that asked: "plan p…", "job j…", "root". */
  readonly askedBy: string;
  /** The job that pays for it: nothing else runs on its machine. */
  readonly job?: string;
  /** The decision by which it was placed. */
  readonly decision?: string;
}

/**
 * "ordered": the site may not know of it yet. "booting": the site has made the machine. "joined": its
 * agent has. "releasing": it is given back, and may still cost. "released" and "failed" are the end:
 * nothing of it is left at the site.
 */
export const orderPhases = [
  "ordered",
  "booting",
  "joined",
  "releasing",
  "released",
  "failed",
] as const;
export type OrderPhase = (typeof orderPhases)[number];

export interface OrderStatus {
  readonly phase: OrderPhase;
  /** When the phase began. */
  readonly since: number;
  /** What the site calls the machine: "i-0abc…", "4321". */
  readonly handle?: string;
  /** The machine's name once it has joined. */
  readonly machine?: string;
  /** When the site began to bill it, and when it ended. */
  readonly billedFrom?: number;
  readonly joinedAt?: number;
  readonly endedAt?: number;
  /** Millionths of the currency that the machine has cost until `endedAt`; absent when its price is unknown. */
  readonly costMicros?: number;
  /** It takes no more tasks, and is given back when it is empty: since when. */
  readonly drainsSince?: number;
  /** It was given back as nothing needed it, by the loop that looks after a project's shared machines. */
  readonly spared?: true;
  /** When its site takes the machine away, as the machine was told. */
  readonly takenAt?: number;
  /** How often it was about to be given back and was wanted again. */
  readonly takenBack?: number;
  /** Why it failed or is released, in the provider's words where it was the provider. */
  readonly reason?: string;
}

/** Whether it is for a project's jobs together, and the project pays. */
export function isFleetOrder({ project, spec }: OrderRecord): boolean {
  return spec.job === undefined && project !== "";
}

/** Whether its machine is still to join. */
export function isComing({ status: { phase } }: OrderRecord): boolean {
  return phase === "ordered" || phase === "booting";
}

/** Whether nothing of an order is left at its site. */
export function hasOrderEnded({ status }: OrderRecord): boolean {
  return status.phase === "released" || status.phase === "failed";
}

/**
 * Millionths of the currency for a machine held for `heldMs`: begun units of `priceGranularityMs` are
 * billed whole, and at least `billedMsMin`. Undefined when the price is unknown.
 */
export function costOfMachine(
  offer: Pick<Offer, "microsPerHour" | "priceGranularityMs" | "billedMsMin">,
  heldMs: number,
): number | undefined {
  if (offer.microsPerHour === undefined) return undefined;
  const unitMs = Math.max(1, offer.priceGranularityMs);
  const billedMs = Math.max(offer.billedMsMin, Math.ceil(heldMs / unitMs) * unitMs);
  return (billedMs * offer.microsPerHour) / hourMs;
}
