// npm run chaos -- [--minutes 2] [--log sqlite|postgres|both] [--net] [--seed N] [--only leader] [--every 1.1] [--json]
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { endAllOf } from "./processes.ts";
import { reportOf } from "./report.ts";
import { runChaos } from "./run.ts";
import { victimKinds, type VictimKind } from "./site.ts";
import { sceneMissing, startScene, type SceneKind } from "./sites.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    log: { type: "string", default: "both" },
    /** Three control planes and a pair of PostgreSQL servers in networks of their own, which are cut. */
    net: { type: "boolean", default: false },
    seed: { type: "string" },
    only: { type: "string", multiple: true },
    /** Seconds between two kills, on the whole. */
    every: { type: "string", default: "1.1" },
    json: { type: "boolean", default: false },
  },
});
const interrupted = 130;
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const kinds: Record<string, SceneKind[]> = {
  sqlite: ["sqlite"],
  postgres: ["postgres"],
  both: ["sqlite", "postgres"],
};
const chosen = values.net ? (["network"] as const) : kinds[values.log];
const only = values.only as VictimKind[] | undefined;
if (only?.some((kind) => !victimKinds.includes(kind))) {
  console.error(`Cannot kill that: --only takes ${victimKinds.join(", ")}`);
  process.exit(2);
}
const everyMs = Number(values.every) * 1000;
if (!(minutes > 0 && everyMs > 0) || !Number.isInteger(seed) || seed < 0 || !chosen) {
  console.error(
    `Cannot run as --minutes and --every must be above 0, --seed a whole number, --log one of ${Object.keys(kinds).join(", ")}: current values are ${values.minutes}, ${values.every}, ${seed}, ${values.log}`,
  );
  process.exit(2);
}

const missing = chosen.map(sceneMissing).find((reason) => reason !== undefined);
if (missing !== undefined) {
  console.error(`Cannot run this here: ${missing}`);
  process.exit(7);
}

const folder = mkdtempSync(join(tmpdir(), "canopy-chaos-"));
let keeps = false;
process.once("exit", (status) => {
  endAllOf(folder);
  if (keeps || ![0, interrupted].includes(status)) console.error(`What happened is in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => process.exit(interrupted));

const say = (sentence: string): void => void (values.json || console.error(`  ${sentence}`));
for (const kind of chosen) {
  const own = join(folder, kind);
  mkdirSync(own);
  say(`${kind}, seed ${seed}, ${minutes} minutes, in ${own}`);
  const scene = await startScene(kind, own, { only, everyMs });
  const forMs = minutes * 60_000;
  const outcome = await runChaos(scene, {
    seed,
    forMs,
    historyFile: join(own, "history"),
    say,
  });
  await scene.stop();
  keeps ||= outcome.violations.length > 0;
  console.log(values.json ? JSON.stringify({ log: kind, ...outcome }) : reportOf(kind, outcome));
}
process.exitCode = keeps ? 1 : 0;
