// npm run chaos -- [--minutes 2] [--log sqlite] [--seed N] [--json]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAllOf } from "./processes.ts";
import { reportOf } from "./report.ts";
import { runChaos } from "./run.ts";
import { startSqliteSite } from "./sqlite-site.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    log: { type: "string", default: "sqlite" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
if (!(minutes > 0) || !Number.isInteger(seed) || seed < 0) {
  console.error(
    `Cannot run as --minutes must be above 0 and --seed a whole number: current values are ${values.minutes} and ${values.seed}`,
  );
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "canopy-chaos-"));
let keeps = false;
process.once("exit", () => {
  endAllOf(folder);
  if (keeps) console.error(`What happened is in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

if (!values.json)
  console.error(`${folder}: seed ${seed}, over ${values.log}, for ${minutes} minutes`);
const site = await startSqliteSite(folder, 2);
const outcome = await runChaos(site, {
  seed,
  forMs: minutes * 60_000,
  say: (sentence) => values.json || console.error(sentence),
  historyFile: join(folder, "history.ndjson"),
});
await site.stop();
keeps = outcome.violations.length > 0;
console.log(values.json ? JSON.stringify(outcome) : reportOf(outcome));
process.exitCode = keeps ? 1 : 0;
