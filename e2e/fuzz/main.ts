// Malformed requests against a real cloud.
//
//   npm run fuzz                        200,000 requests of a random seed
//   npm run fuzz -- --requests 5000 --seed 42
//
// Exits with 1 when a promise was broken.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { fuzz } from "./run.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "200000" },
    seed: { type: "string" },
    wires: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});

const seed = Number(values.seed ?? randomInt(2 ** 31));
const fuzzed = await fuzz({
  requests: Number(values.requests),
  seed,
  wires: Number(values.wires),
  say: (line) => console.error(line),
});
if (values.json) console.log(JSON.stringify({ seed, ...fuzzed }));
else {
  for (const fault of fuzzed.faults) console.log(`✖ ${fault}\n`);
  const answers = Object.entries(fuzzed.answers).sort(([a], [b]) => (a < b ? -1 : 1));
  console.log(
    `${fuzzed.faults.length === 0 ? "✔" : "✖"} ${fuzzed.requests} requests of seed ${seed} in ${Math.round(fuzzed.tookMs / 1000)} s; ${fuzzed.objectsLooked} objects looked at`,
  );
  console.log(answers.map(([status, count]) => `${status}: ${count}`).join("  "));
}
process.exitCode = fuzzed.faults.length === 0 ? 0 : 1;
