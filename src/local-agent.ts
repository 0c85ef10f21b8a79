import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import type { Host } from "#/base/host.ts";
import { startLoop } from "#/base/loop.ts";
import type { MadeJoinTokenView } from "#/model/views.ts";
import type { Cloud } from "./cloud.ts";

const stopPollMs = 20;
const stopMsMax = 5000;

const lookEveryMs = 1000;

/** The agent of the computer that a cloud runs on: a process of its own, which outlives a crash of its cloud. */
export interface LocalAgent {
  stop(): Promise<void>;
}

interface LocalAgentOptions {
  /** The agent's own. */
  folder: string;
  /** The program that is started as `agent`. */
  mainFile: string;
  env: Record<string, string>;
  logLevel: string;
}

/** A process that is the agent of a folder. */
interface AgentProcess {
  pid: number;
  ticks: number;
  /** The cloud that it speaks to. */
  url: string;
}

/**
 * Keeps this computer's agent running: starts it, starts it again when it dies, and leaves alone the
 * one that a cloud which crashed here had started, as it comes back by itself with the tasks that it
 * holds. One that speaks to another address ends first.
 */
export async function startLocalAgent(
  host: Host,
  cloud: Cloud,
  options: LocalAgentOptions,
): Promise<LocalAgent> {
  const { folder } = options;
  let agent = await readPid(host, folder);
  if (agent && agent.url !== cloud.url) {
    await end(host, agent);
    agent = undefined;
  }
  const turn = async () => {
    if (agent && host.processes.isAlive(agent.pid, agent.ticks)) return;
    if (agent) host.log.warn("this computer's agent has ended; it is started again");
    agent = await spawnAgent(host, cloud, options);
  };
  await turn();
  const loop = startLoop("local agent", turn, { ...host, everyMs: lookEveryMs });
  return {
    async stop() {
      loop.stop();
      if (agent) await end(host, agent);
    },
  };
}

async function spawnAgent(
  host: Host,
  cloud: Cloud,
  options: LocalAgentOptions,
): Promise<AgentProcess> {
  const { folder, mainFile, env, logLevel } = options;
  const token = await joinToken(host, cloud, folder);
  const flags = ["--url", cloud.url, "--folder", folder, "--log-level", logLevel, "--supervised"];
  const { pid } = host.processes.spawn([process.execPath, mainFile, "agent", ...flags], {
    folder: "/",
    env: token === undefined ? env : { ...env, CANOPY_JOIN_TOKEN: token },
    detachedLog: join(folder, "agent.log"),
  });
  return { pid, ticks: host.processes.startedTicks(pid) ?? 0, url: cloud.url };
}

/** A one-time token for a folder whose agent has no key yet. */
async function joinToken(host: Host, cloud: Cloud, folder: string): Promise<string | undefined> {
  await host.files.makeFolder(folder);
  if (await host.files.stat(join(folder, "identity.json"))) return undefined;
  const body = { site: "local" };
  const { token } = await cloud.call<MadeJoinTokenView>("POST", "/v1/join-tokens", body);
  return token;
}

/** The process that says it is the agent of this folder, when it lives. */
async function readPid(host: Host, folder: string): Promise<AgentProcess | undefined> {
  const content = await host.files.read(join(folder, "pid"));
  if (!content) return undefined;
  const [pid, ticks, url = ""] = Buffer.from(content).toString().trim().split(" ");
  const found = { pid: Number(pid), ticks: Number(ticks), url };
  return host.processes.isAlive(found.pid, found.ticks) ? found : undefined;
}

async function end(host: Host, { pid, ticks }: AgentProcess): Promise<void> {
  if (!host.processes.isAlive(pid, ticks)) return;
  signal(pid, "SIGTERM");
  const untilMs = host.clock.monotonicMs() + stopMsMax;
  while (host.processes.isAlive(pid, ticks)) {
    if (host.clock.monotonicMs() > untilMs) signal(pid, "SIGKILL");
    await sleep(host.clock, stopPollMs);
  }
}

/** It may have ended since it was looked at. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}
