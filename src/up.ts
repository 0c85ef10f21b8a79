import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import type { StartedCloud, UpWish } from "#/cli/programs.ts";
import type { MachineView, MadeJoinTokenView } from "#/model/views.ts";
import type { OpenBig } from "#/objects/local/open.ts";
import { parseRemoteAddress } from "#/objects/remote/address.ts";
import { readRemoteCredentials } from "#/objects/remote/credentials.ts";
import { RemoteBytes } from "#/objects/remote/remote-bytes.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { siteOpener } from "#/sites/open.ts";
import { startCloud, type Cloud, type CloudOptions } from "./cloud.ts";
import { agentFiles } from "./agent-files.ts";
import { inherited } from "./inherited.ts";
import { readMasterKeys } from "./master-keys.ts";
import { startLocalAgent } from "./local-agent.ts";
import { sharedLog } from "./shared-log.ts";
import { version } from "./version.ts";

const againMs = 200;

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
  const openBig = await remoteOpener(host, options.objects, env);
  const masters = await readMasterKeys(env, host.files);
  const elsewhere = agentFiles(host, join(dataFolder, "programs"));
  const log = openLog(host, options);
  const cloud = await startCloud(host, {
    dataFolder,
    host: options.host,
    port: options.port,
    awsPort: awsPortOf(options),
    ...(options.placement && { placement: options.placement }),
    masters,
    ...(env.CANOPY_ADDRESS_POOL && { addressPool: env.CANOPY_ADDRESS_POOL }),
    log,
    ...(openBig && { openBig }),
    version,
    agentFiles: elsewhere,
    openSite: siteOpener(host, {
      folder: join(dataFolder, "sites"),
      env: { ...inherited(env), ...sshAgent(env) },
      program: {
        command: [process.execPath, process.argv[1]!],
        env: { ...inherited(env), ...compileCache(env) },
        files: elsewhere,
      },
    }),
    onBroken: () => process.exit(1),
  }).catch(async (thrown) => {
    // One that is left open looks to the next start as if what it wrote ahead were missing.
    if ("close" in log) await log.close();
    throw explain(thrown, options);
  });
  // What has begun and is never ready would be in the way of the next try.
  return await openUp(host, patient(host, cloud), options, env).catch(async (thrown: unknown) => {
    await cloud.stop();
    throw thrown;
  });
}

/** Starts this computer's agent, and tells how others join. */
async function openUp(
  host: Host,
  cloud: Cloud,
  { dataFolder, withAgent, logLevel }: UpWish,
  env: Record<string, string>,
): Promise<StartedCloud> {
  const folder = join(dataFolder, "agent");
  const agent = withAgent
    ? await startLocalAgent(host, cloud, { folder, mainFile: process.argv[1]!, env, logLevel })
    : undefined;
  try {
    if (agent) await firstMachine(host, cloud, dataFolder);
    const { token } = await cloud.call<MadeJoinTokenView>("POST", "/v1/join-tokens", {});
    return {
      url: cloud.url,
      awsUrl: cloud.awsUrl,
      key: cloud.rootToken,
      dataFolder,
      joinLine: `canopy join ${cloud.networkUrl ?? cloud.url} --token ${token}`,
      isReachable: cloud.networkUrl !== undefined,
      readyMs: Math.round(host.clock.monotonicMs()),
      async stop() {
        await agent?.stop();
        await cloud.stop();
      },
    };
  } catch (thrown) {
    await agent?.stop();
    throw thrown;
  }
}

/** The same, each call made again while no control plane leads: when one died a moment ago, another does soon. */
function patient({ clock }: Host, cloud: Cloud): Cloud {
  return {
    ...cloud,
    async call<T>(method: string, path: string, body?: unknown) {
      for (const untilMs = clock.monotonicMs() + limits.firstLeaderMs; ;) {
        try {
          return await cloud.call<T>(method, path, body);
        } catch (thrown) {
          const isPassing = thrown instanceof CanopyError && thrown.code === "unavailable";
          if (!isPassing || clock.monotonicMs() > untilMs) throw thrown;
          await sleep(clock, againMs);
        }
      }
    },
  };
}

/** Machines of this computer take what this program has compiled, which halves the time of their start. */
function compileCache({ NODE_COMPILE_CACHE: folder }: Record<string, string>) {
  return folder === undefined ? undefined : { NODE_COMPILE_CACHE: folder };
}

function sshAgent({ SSH_AUTH_SOCK: socket }: Record<string, string>): Record<string, string> {
  return socket === undefined ? {} : { SSH_AUTH_SOCK: socket };
}

function openLog(host: Host, { log, dataFolder, durability }: UpWish): CloudOptions["log"] {
  if (log !== undefined) return sharedLog(log, host);
  return new SqliteLog(join(dataFolder, "space.db"), { durability });
}

async function firstMachine(host: Host, cloud: Cloud, dataFolder: string): Promise<void> {
  const untilMs = host.clock.monotonicMs() + limits.firstMachineMs;
  while (!(await isConnected(host, cloud, join(dataFolder, "agent", "identity.json")))) {
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

/** Whether the machine that this computer's agent joined as has its link. */
async function isConnected(host: Host, cloud: Cloud, identityFile: string): Promise<boolean> {
  const content = await host.files.read(identityFile);
  if (!content) return false;
  const { machine } = JSON.parse(Buffer.from(content).toString()) as { machine: string };
  try {
    return (await cloud.call<MachineView>("GET", `/v1/machines/${machine}`)).connected;
  } catch {
    return false; // a machine that was removed joins again, as another
  }
}

/** A free one goes with a free one: two clouds of one computer are then never in each other's way. */
/** Where the bytes of large objects are, when not in the data folder. */
async function remoteOpener(
  { files }: Host,
  address: string | undefined,
  env: Record<string, string>,
): Promise<OpenBig | undefined> {
  if (address === undefined) return undefined;
  const parts = {
    address: parseRemoteAddress(address),
    credentials: await readRemoteCredentials(env, files),
  };
  return (owner) => new RemoteBytes({ ...parts, owner });
}

function awsPortOf({ port, awsPort }: UpWish): number {
  return awsPort ?? (port === 0 || port === 65_535 ? 0 : port + 1);
}

function explain(thrown: unknown, options: UpWish): unknown {
  const { code, port = options.port } = thrown as NodeJS.ErrnoException & { port?: number };
  if (code !== "EADDRINUSE") return thrown;
  const flag = port === options.port ? "--port" : "--aws-port";
  return new CanopyError(
    "conflict",
    `Cannot listen on ${options.host}:${port} as another process does`,
    { hint: `Take another port: canopy up ${flag} 0` },
  );
}
