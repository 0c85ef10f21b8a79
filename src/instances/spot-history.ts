import { spotMicrosPerHour, type SpotPoint } from "#/model/spot-market.ts";
import type { Space } from "#/space/space.ts";

/** A price that began then. */
export interface SpotPriceChange {
  zone: string;
  type: string;
  since: number;
  microsPerHour: number;
}

interface HistoryAsked {
  zones: readonly string[];
  types: readonly string[];
  from: number;
  to: number;
}

/**
 * What spot instances have cost between two times, the newest first, by type and then zone where several began at once: with what was
 * in force at `from`, as EC2 tells it. One by one, as there may be very many.
 */
export function* spotHistory(
  space: Pick<Space, "list">,
  { zones, types, from, to }: HistoryAsked,
): Generator<SpotPriceChange> {
  const points = zones
    .flatMap((zone) => pointsOf(space, zone, { from, to }).map((point) => ({ zone, point })))
    .sort((a, b) => b.point[0] - a.point[0] || (a.zone < b.zone ? -1 : 1));
  const sorted = [...types].sort();
  for (const { zone, point } of points)
    for (const type of sorted)
      yield { zone, type, since: point[0], microsPerHour: spotMicrosPerHour(type, point[1]) };
}

/** Where a change stands in a history: those that come later have a name that sorts after it. */
export const placeInHistory = ({ since, zone, type }: SpotPriceChange): string =>
  `${String(1e15 - since).padStart(16, "0")} ${zone} ${type}`;

/** What was in force at any time between two, the oldest first. */
export function pointsOf(
  space: Pick<Space, "list">,
  zone: string,
  { from, to }: { from: number; to: number },
): SpotPoint[] {
  const all = [...space.list("spot-prices", zone)]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ spec }) => spec.points)
    .filter(([since]) => since <= to);
  const first = all.findLastIndex(([since]) => since <= from);
  return all.slice(Math.max(0, first));
}

/** The mean share of the list price between two times, by time, as far as it is known; and since when it is. */
export function meanPercent(
  space: Pick<Space, "list">,
  zones: readonly string[],
  { from, to }: { from: number; to: number },
): { percent: number; since: number } | undefined {
  let [sum, forMs, since] = [0, 0, Infinity];
  for (const zone of zones) {
    const points = pointsOf(space, zone, { from, to });
    for (const [index, [began, percent]] of points.entries()) {
      const begin = Math.max(from, began);
      const ms = Math.max(0, (points[index + 1]?.[0] ?? to) - begin);
      since = Math.min(since, begin);
      sum += percent * ms;
      forMs += ms;
    }
  }
  return forMs === 0 ? undefined : { percent: sum / forMs, since };
}
