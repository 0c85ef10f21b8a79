// A whole Canopy in simulated time: real control planes, agents, scheduler and jobs over a simulated
// disk, network and clocks that all fail. One seed decides everything.
//
//   npm run sim -- --seconds 60     random seeds on all processors, then the figures
//   npm run sim -- --minutes 4
//   npm run sim -- --from 1 --count 200
//   npm run sim -- --seed 42        that seed once; --log adds all that machines log
//   npm run sim -- --mutants        plants known bugs in a copy of the product: each must be found
//   npm run sim -- --json           figures for programs
//
// Exits with 1 when a promise was broken.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { figuresOf, printFigures } from "./figures.ts";
import { runMutants } from "./mutants/run.ts";
import { runSeed, type Outcome } from "./run.ts";
import { runSeeds } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    minutes: { type: "string" },
    seed: { type: "string" },
    from: { type: "string" },
    count: { type: "string" },
    workers: { type: "string" },
    mutants: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    log: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});

const defaultSeconds = 60;

if (values.mutants) {
  process.exitCode = (await runMutants({ only: values.only, isJson: values.json })) ? 0 : 1;
} else if (values.seed !== undefined) {
  report([await runSeed(Number(values.seed), { isVerbose: values.log })], 1);
} else {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const seconds = Number(values.seconds ?? Number(values.minutes ?? defaultSeconds / 60) * 60);
  const from = Number(values.from ?? randomInt(2 ** 40));
  if (!values.json) console.log(`seeds from ${from} on, for ${seconds} s`);
  const { outcomes, processors } = await runSeeds({
    from,
    forMs: seconds * 1000,
    count: number(values.count),
    workers: number(values.workers),
  });
  report(outcomes, processors);
}

function report(outcomes: readonly Outcome[], processors: number): void {
  const figures = figuresOf(outcomes, processors);
  if (values.json) console.log(JSON.stringify(figures));
  else printFigures(figures);
  for (const { seed, violation } of outcomes) {
    if (!violation) continue;
    process.exitCode = 1;
    if (values.json) continue;
    console.log(`\n✖ seed ${seed}: ${violation.message}\n\nThe last events:`);
    for (const line of violation.last) console.log(`  ${line}`);
    console.log(`\nAgain: npm run sim -- --seed ${seed}`);
  }
}
