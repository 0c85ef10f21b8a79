import { join } from "node:path";
import { sleep } from "#/base/clock.ts";
import type { Host } from "#/base/host.ts";
import type { Cloud } from "./cloud.ts";

const stopPollMs = 20;
const stopMsMax = 5000;

/** The agent of the computer that a cloud runs on: a process of its own, which outlives a crash of its cloud. */
export interface LocalAgent {
  stop(): Promise<void>;
}

/**
 * Starts this computer's agent, or leaves alone the one that a cloud which crashed here had started:
 * it comes back by itself, with the tasks that it holds.
 */
export async function startLocalAgent(
  host: Host,
  cloud: Cloud,
  options: { folder: string; mainFile: string; env: Record<string, string>; logLevel: string },
): Promise<LocalAgent> {
  const { folder, mainFile, env, logLevel } = options;
  const before = await readPid(host, folder);
  if (!before) {
    const token = await joinToken(host, cloud, folder);
    host.processes.spawn(
      [
        process.execPath,
        mainFile,
        "agent",
        "--url",
        cloud.url,
        "--folder",
        folder,
        "--log-level",
        logLevel,
      ],
      {
        folder: "/",
        env: token === undefined ? env : { ...env, CANOPY_JOIN_TOKEN: token },
        detachedLog: join(folder, "agent.log"),
      },
    );
  }
  return {
    async stop() {
      const running = await readPid(host, folder);
      if (!running) return;
      process.kill(running.pid, "SIGTERM");
      const untilMs = host.clock.monotonicMs() + stopMsMax;
      while (host.processes.isAlive(running.pid, running.ticks)) {
        if (host.clock.monotonicMs() > untilMs) process.kill(running.pid, "SIGKILL");
        await sleep(host.clock, stopPollMs);
      }
    },
  };
}

/** A one-time token for a folder whose agent has no key yet. */
async function joinToken(host: Host, cloud: Cloud, folder: string): Promise<string | undefined> {
  await host.files.makeFolder(folder);
  if (await host.files.stat(join(folder, "identity.json"))) return undefined;
  const { value, durable } = cloud.space.commit((tx) =>
    cloud.access.createJoinToken(tx, { site: "local" }),
  );
  await durable;
  return value.token;
}

/** The process that says it is the agent of this folder, when it lives. */
async function readPid(
  host: Host,
  folder: string,
): Promise<{ pid: number; ticks: number } | undefined> {
  const content = await host.files.read(join(folder, "pid"));
  if (!content) return undefined;
  const [pid = 0, ticks = 0] = Buffer.from(content).toString().split(" ").map(Number);
  return host.processes.isAlive(pid, ticks) ? { pid, ticks } : undefined;
}
