// Cuts the power of a recorded run after each of its system calls, and looks for what it had acknowledged.
//
//   npm run crash-points                         one recording, every call
//   npm run crash-points -- --points 5000        so many calls, of as many recordings as that takes
//   npm run crash-points -- --seed 7             another run, cut otherwise
import { parseArgs } from "node:util";
import { record } from "./record.ts";
import { sweep } from "./sweep.ts";

const { values } = parseArgs({ options: { points: { type: "string" }, seed: { type: "string" } } });
const wanted = Number(values.points ?? 1);
let seed = Number(values.seed ?? 1);
if (!(wanted > 0) || !Number.isInteger(seed)) throw new Error("--points and --seed take numbers");
const startMs = performance.now();
const total = { points: 0, images: 0, commits: 0, violations: 0 };
while (total.points < wanted) {
  const recording = await record({ seed });
  const points = values.points === undefined ? undefined : wanted - total.points;
  const found = await sweep(recording, { seed, ...(points === undefined ? {} : { points }) });
  for (const { point, call, fault, seed: image } of found.violations)
    console.log(`seed ${seed}, call ${point} (${call}), image ${image}: ${fault}`);
  total.points += found.points;
  total.images += found.images;
  total.commits += found.commits;
  total.violations += found.violations.length;
  seed++;
}
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(
  `${total.points} crash points, ${total.images} disks, ${total.commits} acknowledged commits looked for, ` +
    `${total.violations} violations, in ${seconds} s`,
);
process.exitCode = total.violations > 0 ? 1 : 0;
