import { costOfMachine, hasOrderEnded, type OrderRecord } from "#/model/order.ts";
import type { Offer } from "#/model/site.ts";
import { hourMs } from "#/model/units.ts";

/**
 * The most that a machine of an offer can be billed for within any hour while it is held: begun units are
 * billed whole, and the least time is billed when it is begun. Undefined when its price is unknown.
 */
export function hourlyMax(offer: Offer): number | undefined {
  const unitMs = Math.max(1, offer.priceGranularityMs);
  const heldMs = Math.max(offer.billedMsMin, Math.ceil(hourMs / unitMs) * unitMs);
  return costOfMachine({ ...offer, billedMsMin: 0, priceGranularityMs: 1 }, heldMs);
}

/**
 * What no hour from now on will exceed when the open ones of these orders are all kept: what each of them can
 * be billed for in an hour, and what those that have ended were billed for in the last one. Undefined when
 * a price is unknown.
 */
export function hourOf(orders: readonly OrderRecord[], now: number): number | undefined {
  return orders.reduce<number | undefined>((sum, order) => {
    const micros = hasOrderEnded(order) ? lastHourOf(order, now) : hourlyMax(order.spec.offer);
    return sum === undefined || micros === undefined ? undefined : sum + micros;
  }, 0);
}

function lastHourOf(order: OrderRecord, now: number): number | undefined {
  return billedOf(order, now - hourMs, now);
}

/** What these orders were billed for from `since` to `now`. Undefined when a price is unknown. */
export function billedSince(
  orders: readonly OrderRecord[],
  since: number,
  now: number,
): number | undefined {
  return orders.reduce<number | undefined>((sum, order) => {
    const micros = billedOf(order, since, now);
    return sum === undefined || micros === undefined ? undefined : sum + micros;
  }, 0);
}

function billedOf({ spec, status }: OrderRecord, since: number, now: number): number | undefined {
  const { billedFrom, endedAt = now } = status;
  if (billedFrom === undefined || endedAt < since) return 0;
  const until = (at: number) =>
    at <= billedFrom ? 0 : costOfMachine(spec.offer, Math.max(1, at - billedFrom));
  const all = until(endedAt);
  const before = until(since);
  return all === undefined || before === undefined ? undefined : all - before;
}

/** For how long a machine is paid already. */
export function paidMs({ spec, status }: OrderRecord, now: number): number {
  const { priceGranularityMs, billedMsMin } = spec.offer;
  const unitMs = Math.max(1, priceGranularityMs);
  const heldMs = Math.max(0, now - (status.billedFrom ?? spec.orderedAt));
  return Math.max(billedMsMin, Math.ceil(heldMs / unitMs) * unitMs) - heldMs;
}
