import { standardNormal } from "#/planning/normal.ts";
import type { Chance } from "#/base/chance.ts";

/** What was seen of one sort of task, in milliseconds. */
export interface Observations {
  /** Of those that ended. */
  readonly endedMs: readonly number[];
  /** For how long those that have not ended have run: each takes longer than that. */
  readonly runningMs: readonly number[];
}

/** How long something takes, as one possible world has it. */
export interface Distribution {
  /**
   * The value that a share `u` of those that take longer than `beyondMs` stays below. `u` is in [0, 1);
   * evenly drawn ones give values as likely as they are.
   */
  quantileMs(u: number, beyondMs?: number): number;
  /** The share of those that take less. */
  shareBelow(ms: number): number;
}

/** What is assumed before anything is known: from milliseconds to days, half of all under 30 s. */
export const anything: Distribution = logNormal(30_000, 2.5);

/** Pseudo-observations by which a wider sort of task counts for a narrower one. */
const beliefs = 4;
const beliefPoints = 32;
/** Nothing takes less, in milliseconds; and how far below the least seen it may begin, as a logarithm. */
const msMin = 0.05;
const firstWidth = 0.1;

/**
 * One possible distribution behind what was seen, drawn by chance from all that could be: the more was
 * seen, the less they differ. It is the Bayesian bootstrap (D. B. Rubin, Ann. Statist. 9, 1981: each
 * observation has a weight drawn from the exponential distribution) of the product-limit estimate
 * (E. L. Kaplan and P. Meier, JASA 53, 1958), in which those still running count as long as they have
 * been seen to. The distribution of a wider sort counts as a few observations more, as in the
 * Dirichlet process with censoring (V. Susarla and J. Van Ryzin, JASA 71, 1976): it is what there is
 * while little was seen, and what says how long those take that take longer than any before.
 */
export function possible(
  { endedMs, runningMs }: Observations,
  wider: Distribution,
  chance: Pick<Chance, "fraction">,
): Distribution {
  if (endedMs.length === 0 && runningMs.length === 0) return wider;
  const points: Point[] = [];
  const add = (ms: number, weight: number, ended: boolean) =>
    void points.push({ log: Math.log(Math.max(ms, msMin)), weight, ended });
  for (const ms of endedMs) add(ms, weightOf(chance), true);
  for (const ms of runningMs) add(ms, weightOf(chance), false);
  const weight = beliefs / beliefPoints;
  for (let at = 0; at < beliefPoints; at++)
    add(wider.quantileMs((at + 0.5) / beliefPoints), weight * weightOf(chance), true);
  return new ProductLimit(points, (weight / 2) * weightOf(chance), wider);
}

interface Point {
  log: number;
  weight: number;
  ended: boolean;
}

function weightOf(chance: Pick<Chance, "fraction">): number {
  return -Math.log(1 - chance.fraction());
}

/**
 * The product-limit estimate of weighted points. Between two that ended it is as even as their
 * logarithms; above all of them it goes on as the wider distribution does there.
 */
class ProductLimit implements Distribution {
  #logs: number[] = [];
  /** The share of all that is not above each. */
  #cumulated: number[] = [];
  #wider: Distribution;

  constructor(points: Point[], aboveWeight: number, wider: Distribution) {
    this.#wider = wider;
    points.sort((a, b) => a.log - b.log || Number(b.ended) - Number(a.ended));
    let atRisk = points.reduce((sum, { weight }) => sum + weight, aboveWeight);
    let above = 1;
    for (const { log, weight, ended } of points) {
      if (ended) {
        above *= 1 - weight / atRisk;
        this.#logs.push(log);
        this.#cumulated.push(1 - above);
      }
      atRisk -= weight;
    }
  }

  quantileMs(u: number, beyondMs = 0): number {
    const below = beyondMs > 0 ? this.shareBelow(beyondMs) : 0;
    const share = below + u * (1 - below);
    const at = indexOf(this.#cumulated, share);
    if (at < this.#cumulated.length) {
      const [low, from] = this.#before(at);
      const mass = this.#cumulated[at]! - from;
      const log = low + (mass > 0 ? (share - from) / mass : 1) * (this.#logs[at]! - low);
      return Math.max(beyondMs, Math.exp(log));
    }
    const last = this.#cumulated.at(-1)!;
    const lastMs = Math.exp(this.#logs.at(-1)!);
    if (beyondMs > lastMs) return this.#wider.quantileMs(u, beyondMs);
    return this.#wider.quantileMs((share - last) / (1 - last), lastMs);
  }

  shareBelow(ms: number): number {
    const log = Math.log(ms);
    const at = indexOf(this.#logs, log);
    const last = this.#cumulated.at(-1)!;
    if (at === this.#logs.length) {
      const widerLast = this.#wider.shareBelow(Math.exp(this.#logs.at(-1)!));
      const left = (1 - this.#wider.shareBelow(ms)) / Math.max(1 - widerLast, 1e-12);
      return 1 - (1 - last) * Math.min(left, 1);
    }
    const [low, from] = this.#before(at);
    const width = this.#logs[at]! - low;
    if (width <= 0 || log <= low) return from;
    return from + ((log - low) / width) * (this.#cumulated[at]! - from);
  }

  /** Where the even part ends that a point stands for. */
  #before(at: number): [log: number, cumulated: number] {
    if (at === 0) return [this.#logs[0]! - firstWidth, 0];
    return [this.#logs[at - 1]!, this.#cumulated[at - 1]!];
  }
}

/** The first place whose value is not below. */
function indexOf(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whose logarithm is normal: `deviation` is of the natural one. */
function logNormal(medianMs: number, deviation: number): Distribution {
  const shareBelow = (ms: number) => standardNormal.below(Math.log(ms / medianMs) / deviation);
  return {
    shareBelow,
    quantileMs(u, beyondMs = 0) {
      const below = beyondMs > 0 ? shareBelow(beyondMs) : 0;
      const above = (1 - u) * (1 - below);
      // longer than could be: as long again as it has taken, half of the time
      if (above < 1e-9) return Math.max(beyondMs, msMin) / Math.max(1 - u, 1e-6);
      return Math.max(beyondMs, medianMs * Math.exp(-deviation * standardNormal.quantile(above)));
    },
  };
}
