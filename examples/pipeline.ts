/**
 * A pipeline of durable steps: end any process at any line, and it goes on from its last finished
 * step. Estimates π in rounds until the estimate is good enough, so how long it is depends on what it
 * finds.
 *
 *   canopy run examples/pipeline.ts 0.001
 */
import { job, now, random, sideEffect, task } from "canopy-cloud/sdk";

interface Count {
  inside: number;
  all: number;
}

const tasksPerRound = 8;
const pointsPerTask = 200_000;
const roundsMax = 50;

/** How many of some points of the unit square lie within the quarter circle. */
export const throwPoints = task(
  (seed: number): Count => {
    const next = generator(seed);
    let inside = 0;
    for (let point = 0; point < pointsPerTask; point++)
      if (Math.hypot(next(), next()) <= 1) inside++;
    return { inside, all: pointsPerTask };
  },
  { title: "throw points", retries: 3 },
);

export const add = task((a: Count, b: Count): Count => ({
  inside: a.inside + b.inside,
  all: a.all + b.all,
}));

export default job(async (precision = "0.001") => {
  const startedAt = await now();
  // Chance and effects pass through the job's record, so that a second run from the top sees the same.
  const seed = Math.floor((await random()) * 2 ** 31);
  let total: Count = { inside: 0, all: 0 };
  let round = 0;
  let error = Infinity;
  for (; error > Number(precision) && round < roundsMax; round++) {
    const seeds = Array.from(
      { length: tasksPerRound },
      (_, index) => seed + round * tasksPerRound + index,
    );
    total = await add.reduce(throwPoints.map(seeds, { ordered: false }), total);
    const share = total.inside / total.all;
    // Two standard errors of a binomial share, times four.
    error = 8 * Math.sqrt((share * (1 - share)) / total.all);
    console.log(`round ${round + 1}: π ≈ ${(4 * share).toFixed(5)} ± ${error.toFixed(5)}`);
  }
  const estimate = (4 * total.inside) / total.all;
  await sideEffect("announce", () => console.log(`π ≈ ${estimate} after ${round} rounds`));
  return { estimate, error, rounds: round, tookMs: (await now()) - startedAt };
});

/** A small generator of chance from a seed: mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
