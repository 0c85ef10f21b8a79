// npm run bench -- tasks|start|mapreduce|failover|instances|objects|forecast|fork|sim-scale|plan-… [--json] [--runs 5] [--tasks 100000] [--no-peers] [--log postgres] [--data FOLDER]
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tableOf, type BenchOptions, type Report } from "./figures.ts";

const benches: Record<string, () => Promise<(options: BenchOptions) => Promise<Report>>> = {
  tasks: async () =>
    values.log === "postgres"
      ? (await import("./tasks-postgres.ts")).benchTasksPostgres
      : (await import("./tasks.ts")).benchTasks,
  start: async () => (await import("./start.ts")).benchStart,
  mapreduce: async () => (await import("./mapreduce.ts")).benchMapReduce,
  place: async () => (await import("./place.ts")).benchPlace,
  "queue-replay": async () => (await import("./queue-replay.ts")).benchQueueReplay,
  instances: async () => (await import("./instances.ts")).benchInstances,
  failover: async () => (await import("./failover.ts")).benchFailover,
  forecast: async () => (await import("./forecast.ts")).benchForecast,
  objects: async () => (await import("./objects.ts")).benchObjects,
  "plan-spot": async () => (await import("./plan-spot.ts")).benchPlanSpot,
  "sim-scale": async () => (await import("./sim-scale.ts")).benchSimScale,
  fork: async () => (await import("./fork.ts")).benchFork,
  promise: async () => (await import("./promise.ts")).benchPromise,
  "plan-carbon": async () => (await import("./plan-carbon.ts")).benchPlanCarbon,
  "plan-rcpsp": async () => (await import("./plan-rcpsp.ts")).benchPlanRcpsp,
  "plan-workflows": async () => (await import("./plan-workflows.ts")).benchPlanWorkflows,
};
/** These run on facts that others recorded, which are not part of the project. */
const needData = ["forecast", "plan-spot", "plan-carbon", "plan-rcpsp", "plan-workflows"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    runs: { type: "string", default: "5" },
    tasks: { type: "string", default: "100000" },
    /** "postgres" runs the tasks over PostgreSQL, beside SQLite and those who keep their tasks on the same server. */
    log: { type: "string", default: "sqlite" },
    /** Also runs the peers that are present on this machine. */
    peers: { type: "boolean", default: true },
    "no-peers": { type: "boolean", default: false },
    /** The folder of recorded facts that some benches run on. */
    data: { type: "string" },
  },
});
const all = Object.keys(benches).filter(
  (name) => values.data !== undefined || !needData.includes(name),
);
const names = positionals.length === 0 ? all : positionals;
const unknown = names.find((name) => !(name in benches));
if (unknown !== undefined) {
  console.error(
    `Cannot run the bench '${unknown}' as there are ${Object.keys(benches).join(", ")}`,
  );
  process.exit(2);
}
const runs = Number(values.runs);
const tasks = Number(values.tasks);
if (!(Number.isInteger(runs) && runs >= 1 && Number.isInteger(tasks) && tasks >= 1)) {
  console.error(
    `Cannot run as --runs and --tasks must be at least 1: current values are ${values.runs} and ${values.tasks}`,
  );
  process.exit(2);
}
if (!["sqlite", "postgres"].includes(values.log)) {
  console.error(`Cannot run as --log must be sqlite or postgres: current value is '${values.log}'`);
  process.exit(2);
}
const without = values.data === undefined && names.find((name) => needData.includes(name));
if (without) {
  console.error(
    `Cannot run the bench '${without}' as it needs recorded facts: give their folder with --data FOLDER`,
  );
  process.exit(2);
}
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
let folder: string | undefined;
process.once(
  "exit",
  () => folder !== undefined && rmSync(folder, { recursive: true, force: true }),
);

const withPeers = values.peers && !values["no-peers"];
if (withPeers && names.includes("tasks")) installPeers();
for (const name of names) {
  folder = await mkdtemp(join(tmpdir(), "canopy-bench-"));
  try {
    const bench = await benches[name]!();
    const report = await bench({
      runs,
      tasks,
      peers: withPeers,
      folder,
      data: values.data,
      say: (text) => console.error(text),
    });
    console.log(values.json ? JSON.stringify(report) : `${tableOf(report)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The peers' own packages, which Canopy does not need; without them those peers say that they are missing. */
function installPeers(): void {
  const folder = join(import.meta.dirname, "peers");
  if (existsSync(join(folder, "node_modules"))) return;
  console.error("bench: installing the peers' packages");
  // Not npm ci: it wants every optional package of other platforms in the lockfile.
  const args = [
    "install",
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const ran = spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2] });
  if (ran.status !== 0) console.error("bench: could not; peers that need them are left out");
}
