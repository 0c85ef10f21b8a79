import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { median, medians, type BenchOptions, type Report } from "./figures.ts";
import type { Peer } from "./peers/peer.ts";
import type { Postgres } from "./peers/postgres.ts";
import {
  bulk,
  numbersOf,
  oneAtATime,
  peerBulkTasks,
  singleTasks,
  warmed,
  withCloud,
} from "./tasks.ts";

/** Those who keep their tasks in PostgreSQL. */
const peerNames = ["pg-boss", "graphile-worker"];

interface Measured {
  tasksPerSecond: number;
  tasksPerSecondWorst: number;
  [figure: string]: number;
}

/**
 * The same road as `benchTasks`, with the log in PostgreSQL and in SQLite, and what others do on the same
 * server, one after the other in the same run.
 */
export async function benchTasksPostgres(options: BenchOptions): Promise<Report> {
  const { folder, say } = options;
  const { postgres, known } = await serverAndPeers(folder);
  try {
    const ours = await measured("PostgreSQL", ["--log", postgres.url], options);
    const sqlite = await measured("SQLite", [], options);
    const peers: Report["peers"] = {};
    const ratios: Report["ratios"] = {
      "Canopy over SQLite tasksPerSecond": ours.tasksPerSecond / sqlite.tasksPerSecond,
    };
    for (const peer of options.peers ? known : []) {
      const missing = await peer.missing();
      if (missing !== undefined) {
        say(`tasks: ${peer.name} is left out: ${missing}`);
        continue;
      }
      say(`tasks: ${peer.name} on the same server`);
      const counts = { bulkTasks: peerBulkTasks, singleTasks, runs: options.runs };
      const theirs = await peer.run({ ...counts, folder, postgres });
      peers[peer.name] = numbersOf(theirs);
      ratios[`${peer.name} tasksPerSecond`] = ours.tasksPerSecond / theirs.tasksPerSecond;
      ratios[`${peer.name} oneAtATimeP50Ms`] = theirs.oneAtATimeP50Ms / ours["oneAtATimeP50Ms"]!;
    }
    return {
      bench: "tasks over PostgreSQL",
      figures: { ...ours, ...prefixed("sqlite", sqlite) },
      peers,
      ratios,
    };
  } finally {
    await postgres.stop();
  }
}

/** Not static imports: the peers' packages need not be installed. */
async function serverAndPeers(folder: string): Promise<{ postgres: Postgres; known: Peer[] }> {
  const from = (file: string) => new URL(`peers/${file}`, import.meta.url).href;
  const server = (await import(from("postgres.ts"))) as {
    postgresMissing(): Promise<string | undefined>;
    startPostgres(folder: string): Promise<Postgres>;
  };
  const missing = await server.postgresMissing();
  if (missing !== undefined) throw new Error(`Cannot measure: ${missing}`);
  const { peers } = (await import(from("all.ts"))) as { peers: readonly Peer[] };
  const own = join(folder, "postgres");
  await mkdir(own, { mode: 0o711 });
  return {
    postgres: await server.startPostgres(own),
    known: peers.filter(({ name }) => peerNames.includes(name)),
  };
}

async function measured(name: string, args: string[], options: BenchOptions): Promise<Measured> {
  const { folder, say, runs, tasks } = options;
  return await withCloud(join(folder, `over-${name}`), args, async (client, module) => {
    say(
      `tasks: over ${name}, ${runs} bags of ${tasks}, then ${runs} times ${singleTasks} one at a time`,
    );
    const rates = await warmed(runs, () => bulk(client, module, tasks));
    const singles = medians(await warmed(runs, () => oneAtATime(client, module)));
    return { tasksPerSecond: median(rates), tasksPerSecondWorst: Math.min(...rates), ...singles };
  });
}

function prefixed(prefix: string, figures: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [
      `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`,
      value,
    ]),
  );
}
