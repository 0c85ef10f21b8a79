import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import type { StartedCloud, UpWish } from "#/cli/programs.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { startCloud, type Cloud } from "./cloud.ts";
import { startLocalAgent } from "./local-agent.ts";
import { version } from "./version.ts";

/**
 * Starts a cloud over this computer, ready when its first machine has joined. Throws CanopyError
 * "conflict" when another process has the data folder or the port.
 */
export async function up(options: UpWish, env: Record<string, string>): Promise<StartedCloud> {
  const host = nodeHost(stderrLog(options.logLevel, "cloud"));
  const dataFolder = options.dataFolder;
  await host.files
    .makeFolder(dataFolder, { durable: true })
    .catch((thrown: NodeJS.ErrnoException) => {
      throw new CanopyError(
        "invalid",
        `Cannot keep anything in ${dataFolder} as that folder cannot be made: ${thrown.code}`,
        { hint: "Name another one: canopy up --data FOLDER", cause: thrown },
      );
    });
  const cloud = await startCloud(host, {
    dataFolder,
    host: options.host,
    port: options.port,
    log: new SqliteLog(join(dataFolder, "space.db"), { durability: options.durability }),
    version,
    onBroken: () => process.exit(1),
  }).catch((thrown) => {
    throw explain(thrown, options);
  });
  const agent = options.withAgent
    ? await startLocalAgent(host, cloud, {
        folder: join(dataFolder, "agent"),
        mainFile: process.argv[1]!,
        env,
        logLevel: options.logLevel,
      })
    : undefined;
  if (agent) await firstMachine(host, cloud, dataFolder);
  const joining = cloud.space.commit((tx) => cloud.access.createJoinToken(tx));
  await joining.durable;
  return {
    url: cloud.url,
    key: cloud.access.rootToken,
    dataFolder,
    joinLine: `canopy join ${cloud.networkUrl ?? cloud.url} --token ${joining.value.token}`,
    isReachable: cloud.networkUrl !== undefined,
    readyMs: Math.round(host.clock.monotonicMs()),
    async stop() {
      await agent?.stop();
      await cloud.stop();
    },
  };
}

async function firstMachine(host: Host, cloud: Cloud, dataFolder: string): Promise<void> {
  const untilMs = host.clock.monotonicMs() + limits.firstMachineMs;
  while (!cloud.scheduler.machines().some(({ connected }) => connected)) {
    if (host.clock.monotonicMs() > untilMs) {
      throw new CanopyError(
        "unavailable",
        `Cannot use this computer as a machine as its agent did not join in ${limits.firstMachineMs} ms`,
        {
          hint: `See what it says: tail ${join(dataFolder, "agent", "agent.log")}`,
        },
      );
    }
    await sleep(host.clock, 5);
  }
}

function explain(thrown: unknown, { host, port }: UpWish): unknown {
  if ((thrown as NodeJS.ErrnoException).code !== "EADDRINUSE") return thrown;
  return new CanopyError("conflict", `Cannot listen on ${host}:${port} as another process does`, {
    hint: "Take another port: canopy up --port 0",
  });
}
