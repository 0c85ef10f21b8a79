import type { Chance } from "#/base/chance.ts";
import type { Fork } from "./fork.ts";
import { arrivalsUnder } from "./policy.ts";
import type { Moment } from "./moment.ts";

/** Fewer jobs than that say little of those to come. */
const arrivalsMin = 5;
/** No job waits for more others than that, unless for ever. */
const arrivalsMax = 2000;

/**
 * Lets jobs arrive in a fork as they did of late: those of the past come once more, from a point of time
 * drawn by chance on, at the same distances from each other, and again from the first when all have. So
 * their number, their sizes and how they come in bursts are as they were (a block bootstrap: D. N.
 * Politis and J. P. Romano, "The stationary bootstrap", JASA 89, 1994, with one block).
 */
export function likelyArrivals(fork: Fork, moment: Moment, chance: Chance): void {
  const { arrivals, now } = moment;
  if (arrivals.length < arrivalsMin) return;
  const begin = arrivals[0]!.at;
  const lengthMs = now - begin;
  if (lengthMs <= 0) return;
  const under = arrivalsUnder(moment);
  const from = chance.fraction() * lengthMs;
  let next = arrivals.findIndex(({ at }) => at - begin >= from);
  if (next < 0) next = arrivals.length;
  let roundMs = 0;
  let number = 0;
  const arriveNext = () => {
    if (next === arrivals.length) {
      next = 0;
      roundMs += lengthMs;
    }
    const arrival = arrivals[next++]!;
    const atMs = now + roundMs + (arrival.at - begin) - from;
    fork.clock.after(atMs - fork.clock.now(), () => {
      if (!fork.hasUnbegun) return;
      const at = fork.clock.now();
      fork.submit(under({ ...arrival, at }), `arrival${number++}`);
      if (number < arrivalsMax) arriveNext();
    });
  };
  arriveNext();
}
