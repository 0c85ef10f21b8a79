import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiledEnv } from "#/base/testing/compiled.ts";
import { allProcesses, endAllOf, Program, seeProcess, signal } from "./processes.ts";
import type { Place } from "./places.ts";
import { ownEndsOf, programVictim, type Site, type Victim } from "./site.ts";

export const canopyFile = fileURLToPath(new URL("../bin/canopy", import.meta.url));
const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export function environment(folder: string): Record<string, string> {
  return {
    ...compiledEnv,
    PATH: process.env["PATH"]!,
    HOME: folder,
    TMPDIR: folder,
    XDG_CONFIG_HOME: join(folder, "config"),
  };
}

/** One control plane over SQLite with this computer's agent, and `agents` more that joined. */
export async function startSqliteSite(folder: string, agents: Place[]): Promise<Site> {
  const dataFolder = join(folder, "data");
  mkdirSync(dataFolder);
  let port = 0;
  const plane = new Program("plane", () => ({
    command: [
      canopyFile,
      "up",
      "--data",
      dataFolder,
      "--port",
      String(port),
      "--aws-port",
      "0",
      "--json",
    ],
    env: environment(folder),
    logFile: join(folder, "plane.log"),
  }));
  const { url, key } = JSON.parse(await plane.ready()) as { url: string; key: string };
  port = Number(new URL(url).port);
  const joined = await startAgents(folder, agents, [url], key);
  const localFolder = join(dataFolder, "agent");
  return {
    urls: [url],
    key,
    folder,
    machines: joined.length + 1,
    programs: [plane, ...joined],
    victims: () => [
      ...programVictim("leader", plane),
      ...agentVictims(joined),
      ...localAgentVictim(localFolder),
    ],
    async restart() {
      plane.kill(0);
      await plane.ready();
    },
    ownEnds: () => [plane, ...joined].flatMap((program) => ownEndsOf(program)),
    startsRefused: () => 0,
    async stop() {
      await Promise.all(joined.map((agent) => agent.stop()));
      await plane.stop();
      endAllOf(folder);
    },
  };
}

/** Agents as processes of their own, each with a one-time token; resolves when all have joined. */
export async function startAgents(
  folder: string,
  places: Place[],
  urls: string[],
  key: string,
): Promise<Program[]> {
  const agents: Program[] = [];
  for (const { name, wrap } of places) {
    const response = await fetch(`${urls[0]}/v1/join-tokens`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: "{}",
    });
    const { token } = (await response.json()) as { token: string };
    const agentFolder = join(folder, name);
    mkdirSync(agentFolder);
    const agent = new Program(name, () => ({
      command: wrap([
        canopyFile,
        "join",
        urls.join(","),
        `--token=${token}`,
        `--folder=${agentFolder}`,
        "--cpus=2",
        "--json",
      ]),
      env: environment(folder),
      logFile: join(folder, `${name}.log`),
    }));
    await agent.ready();
    agents.push(agent);
  }
  return agents;
}

/** The agents, and the processes that run tasks for them. */
export function agentVictims(agents: Program[]): Victim[] {
  return agents.flatMap((agent) => [
    ...programVictim("agent", agent),
    ...runnerVictims(agent.name, agent.pid),
  ]);
}

function runnerVictims(agent: string, agentPid: number | undefined): Victim[] {
  if (agentPid === undefined) return [];
  return allProcesses()
    .filter(({ parent, state }) => parent === agentPid && state !== "Z")
    .map(({ pid }) => ({
      kind: "runner",
      name: `a runner of ${agent}`,
      pid,
      kill: () => signal(pid, "SIGKILL"),
    }));
}

/** This computer's agent is looked after by its control plane, which says where it is. */
function localAgentVictim(folder: string): Victim[] {
  let pid: number;
  try {
    pid = Number(readFileSync(join(folder, "pid"), "utf8").split(" ")[0]);
  } catch {
    return [];
  }
  // Its id may be another process's by now.
  const { command = "" } = seeProcess(pid) ?? {};
  if (!command.includes(`${mainFile} agent `) || !command.includes(`--folder ${folder} `))
    return [];
  const victim: Victim = {
    kind: "agent",
    name: "local agent",
    pid,
    kill: () => signal(pid, "SIGKILL"),
    pause: () => signal(pid, "SIGSTOP"),
    resume: () => void signal(pid, "SIGCONT"),
  };
  return [victim, ...runnerVictims(victim.name, pid)];
}
