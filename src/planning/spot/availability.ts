import { hourMs } from "#/model/units.ts";

/**
 * What was seen of the spot market in one zone: whether a machine could be had (or kept), from `fromMs` until
 * `untilMs`. It was `availableFirst`, and turned to the opposite at each of `changesMs` (ascending, within the bounds).
 */
export interface AvailabilityHistory {
  fromMs: number;
  untilMs: number;
  availableFirst: boolean;
  changesMs: readonly number[];
}

/** A time without a change. `ended` is false for the last one, which still goes on. */
export interface Stretch {
  fromMs: number;
  toMs: number;
  available: boolean;
  ended: boolean;
}

export function stretchesOf(history: AvailabilityHistory): Stretch[] {
  const bounds = [history.fromMs, ...history.changesMs, history.untilMs];
  return bounds.slice(1).map((toMs, index) => ({
    fromMs: bounds[index]!,
    toMs,
    available: index % 2 === 0 ? history.availableFirst : !history.availableFirst,
    ended: index < history.changesMs.length,
  }));
}

/** Several zones as one: available when any of them is. And what moving between them would have been like. */
export interface Union {
  history: AvailabilityHistory;
  /**
   * How often, per hour of running, one who always moves to the zone that has been available for longest
   * would have had to move on to another.
   */
  movesPerHour: number;
}

/** Of zones that were watched over the same time; of different times, the time that all have in common. */
export function unionOf(zones: readonly AvailabilityHistory[]): Union {
  const fromMs = Math.max(...zones.map((zone) => zone.fromMs));
  const untilMs = Math.max(fromMs, Math.min(...zones.map((zone) => zone.untilMs)));
  const changes = zones
    .flatMap((zone, index) => zone.changesMs.map((atMs) => ({ atMs, index })))
    .toSorted((a, b) => a.atMs - b.atMs);
  /** Of each zone: since when it is available; undefined when it is not. */
  const since = zones.map((zone) => (zone.availableFirst ? zone.fromMs : undefined));
  const changesMs: number[] = [];
  let held = -1;
  let heldSinceMs = fromMs;
  let heldMs = 0;
  let moves = 0;
  let availableFirst = false;
  const look = (atMs: number): void => {
    if (held >= 0 && since[held] !== undefined) return;
    const next = oldest(since);
    if (held >= 0) heldMs += atMs - heldSinceMs;
    if (held >= 0 && next >= 0) moves++;
    if (atMs === fromMs) availableFirst = next >= 0;
    else if (held >= 0 !== next >= 0) changesMs.push(atMs);
    held = next;
    heldSinceMs = atMs;
  };
  let next = 0;
  const applyUpTo = (atMs: number): void => {
    for (; next < changes.length && changes[next]!.atMs <= atMs; next++) {
      const { index, atMs: changedMs } = changes[next]!;
      since[index] = since[index] === undefined ? changedMs : undefined;
    }
  };
  applyUpTo(fromMs);
  look(fromMs);
  while (next < changes.length && changes[next]!.atMs < untilMs) {
    const { atMs } = changes[next]!;
    applyUpTo(atMs);
    look(atMs);
  }
  if (held >= 0) heldMs += untilMs - heldSinceMs;
  return {
    history: { fromMs, untilMs, availableFirst, changesMs },
    movesPerHour: heldMs > 0 ? moves / (heldMs / hourMs) : 0,
  };
}

/** The zone that has been available for longest; -1 when none is. */
function oldest(since: (number | undefined)[]): number {
  let found = -1;
  for (const [index, sinceMs] of since.entries())
    if (sinceMs !== undefined && (found < 0 || sinceMs < since[found]!)) found = index;
  return found;
}
