import { expressionOf } from "./expression.ts";
import { factsOf, type Host, type PlaceAsked } from "./host.ts";

/** How good a machine is for an instance: the larger the better. */
type Score = (host: Host, asked: PlaceAsked) => number;

interface NamedRank {
  score: Score;
  /** Of the one that was taken: "it has …". */
  words: string;
}

/** What a machine's instances and tasks would leave of it, of what it has least of. */
function shareLeft({ record, free }: Host, { type }: PlaceAsked): number {
  const { milliCpus, memoryBytes } = record.status.capacity;
  return Math.min(
    (free.milliCpus - type.milliCpus) / milliCpus,
    (free.memoryBytes - type.memoryBytes) / memoryBytes,
  );
}

/** Watts that it would draw beyond what it draws now; that of a machine with nothing on it has all that it draws at rest. */
function addedWatts({ record, instances, free }: Host, { type }: PlaceAsked): number {
  const { rates, capacity } = record.status;
  if (rates.peakWatts <= 0) return Infinity;
  const isIdle = instances === 0 && free.milliCpus >= capacity.milliCpus;
  const busy = ((rates.peakWatts - rates.idleWatts) * type.milliCpus) / capacity.milliCpus;
  return (busy + (isIdle ? rates.idleWatts : 0)) * rates.pue;
}

/** What the part of the machine that it holds costs for an hour: its dominant share, as tasks pay. */
function heldMicros({ record }: Host, { type }: PlaceAsked): number {
  const { rates, capacity } = record.status;
  if (rates.microsPerHour === undefined) return Infinity;
  const share = Math.max(
    type.milliCpus / capacity.milliCpus,
    type.memoryBytes / capacity.memoryBytes,
  );
  return share * rates.microsPerHour;
}

const named: Record<string, NamedRank> = {
  spread: { score: shareLeft, words: "the most room left" },
  pack: { score: (host, asked) => -shareLeft(host, asked), words: "the least room left" },
  load: { score: ({ load = 1 }) => -load, words: "the least load" },
  energy: {
    score: (host, asked) => -addedWatts(host, asked),
    words: "the least power drawn for it",
  },
  cheapest: { score: (host, asked) => -heldMicros(host, asked), words: "the lowest price for it" },
};

const rankDefault = "spread";

/** Throws "InvalidParameterValue" for what is neither a name nor CEL. */
export function scoreOf(rank: string = rankDefault): Score {
  const known = named[rank];
  if (known) return known.score;
  const expression = expressionOf(rank);
  return (host, asked) => {
    const found = expression(factsOf(host, asked));
    if (typeof found === "boolean") return Number(found);
    // What cannot be told is worse than all that can.
    return typeof found === "number" && !Number.isNaN(found) ? found : -Infinity;
  };
}

/** Why the machine that was taken was, for people. */
export function becauseOf(rank: string = rankDefault, fitting: number): string {
  if (fitting === 1) return "it was the only machine that it fits";
  const words = named[rank]?.words ?? `the highest ${rank}`;
  return `of ${fitting} machines that it fits, it had ${words}`;
}
