import { rmSync } from "node:fs";
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { peers } from "./all.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    bulk: { type: "string", default: "20000" },
    single: { type: "string", default: "300" },
    runs: { type: "string", default: "3" },
  },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const counts = {
  bulkTasks: Number(values.bulk),
  singleTasks: Number(values.single),
  runs: Number(values.runs),
};
const root = await mkdtemp(join(tmpdir(), "bench-peers-"));
// After the servers, which a listener of ./process.ts ends before this one.
process.once("exit", () => rmSync(root, { recursive: true, force: true }));
const chosen = peers.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const unknown = positionals.filter((name) => !peers.some((peer) => peer.name === name));
if (unknown.length > 0) {
  throw new Error(
    `Cannot run ${unknown.join(", ")} as the peers are ${peers.map(({ name }) => name).join(", ")}`,
  );
}
const results: object[] = [];
for (const { name, durability, missing, run } of chosen) {
  const folder = join(root, name);
  await mkdir(folder);
  const reason = await missing();
  const startMs = performance.now();
  const figures = reason ? { missing: reason } : await run({ ...counts, folder });
  const seconds = (performance.now() - startMs) / 1000;
  results.push({ name, durability, ...figures, seconds });
  if (!values.json) console.log(name, durability, figures, `${seconds.toFixed(1)} s`);
}
if (values.json) console.log(JSON.stringify(results, undefined, 2));
