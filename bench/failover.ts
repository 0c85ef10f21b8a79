import { setTimeout as sleep } from "node:timers/promises";
import type { TestCloud } from "../e2e/cloud.ts";
import { SharedCloud } from "../e2e/shared-cloud.ts";
import { until } from "../e2e/until.ts";
import { median, repeat, type BenchOptions, type Report } from "./figures.ts";

/** How long writing stops when the leader of three control planes over one PostgreSQL is killed, seen through a follower. */
export async function benchFailover({ runs, say }: BenchOptions): Promise<Report> {
  const cloud = await SharedCloud.start(3, 2);
  try {
    const times = await repeat(2 * runs, async (run) => {
      await until("all are there", async () => isWhole(cloud));
      const { leader, followers } = await cloud.roles();
      await leader.kill();
      const startMs = performance.now();
      const writeMs = await firstWrite(followers[run % 2]!, startMs);
      const machinesMs = await until(
        "its machines are connected",
        async () => (await cloud.status()).machinesConnected === 2,
      ).then(() => performance.now() - startMs);
      say(`failover: ${Math.round(writeMs)} ms, its machines after ${Math.round(machinesMs)} ms`);
      await cloud.up(leader);
      return { writeMs, machinesMs };
    });
    const writes = times.map(({ writeMs }) => writeMs);
    const machines = times.map(({ machinesMs }) => machinesMs);
    return {
      bench: "failover",
      figures: {
        kills: times.length,
        firstWriteMedianMs: median(writes),
        firstWriteWorstMs: Math.max(...writes),
        machinesMedianMs: median(machines),
        machinesWorstMs: Math.max(...machines),
      },
      peers: {},
      ratios: {},
    };
  } finally {
    await cloud.stop();
  }
}

async function isWhole(cloud: SharedCloud): Promise<boolean> {
  const { machinesConnected } = await cloud.status();
  return machinesConnected === 2 && (await cloud.roles()).followers.length === 2;
}

/** Until one is acknowledged, from when the leader was killed. */
async function firstWrite(plane: TestCloud, startMs: number): Promise<number> {
  for (let number = 0; ; number++) {
    const name = `p${Math.round(startMs)}-${number}`;
    const written = await plane.call("POST", "/v1/projects", { name, title: name }).then(
      () => true,
      () => false,
    );
    if (written) return performance.now() - startMs;
    await sleep(5);
  }
}
