import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { hostOf } from "#/base/testing/postgres-cluster.ts";
import type { Place } from "./places.ts";
import { Postgres } from "./postgres.ts";
import { endAllOf, Program, type Life } from "./processes.ts";
import { ownEndsOf, programVictim, type Site } from "./site.ts";
import { agentVictims, canopyFile, environment, startAgents } from "./sqlite-site.ts";

const lookMs = 200;

export interface PostgresSite extends Site {
  planes: Program[];
  agents: Program[];
  /** Of the servers, the one that takes writes. */
  readonly primary: Postgres;
  /** Of the control plane that leads, as it was said last. */
  leaderName(): string | undefined;
  promoteStandby(): Promise<void>;
}

export interface PostgresPlaces {
  planes: Place[];
  agents: Place[];
  /** The primary, and its synchronous standby if there is to be one. */
  servers: Place[];
}

/** Several control planes over one log in PostgreSQL, and agents that know all of them. */
export async function startPostgresSite(
  folder: string,
  places: PostgresPlaces,
): Promise<PostgresSite> {
  const [first, second] = places.servers;
  let primary = await Postgres.start(folder, first!);
  const standby = second && (await primary.addStandby(folder, second));
  const servers = standby ? [primary, standby] : [primary];
  const log = `postgres://postgres@${servers.map(({ cluster }) => hostOf(cluster)).join(",")}/postgres`;
  const planes = places.planes.map((place) => {
    const dataFolder = join(folder, place.name);
    mkdirSync(dataFolder);
    const where = [
      `--data=${dataFolder}`,
      `--host=${place.address}`,
      `--port=${place.port}`,
      "--aws-port=0",
    ];
    const how = [`--log=${log}`, "--no-agent", "--keep-context", "--json"];
    const program: Program = new Program(place.name, () => ({
      command: place.wrap([canopyFile, "up", ...where, ...how]),
      env: environment(folder),
      logFile: join(folder, `${place.name}.log`),
    }));
    return program;
  });
  const ready = await Promise.all(planes.map((plane) => plane.ready()));
  const { key } = JSON.parse(ready[0]!) as { key: string };
  const urls = places.planes.map(({ address, port }) => `http://${address}:${port}`);
  const agents = await startAgents(folder, places.agents, urls, key);
  const leader = followLeader(urls, key);
  return {
    urls,
    key,
    folder,
    machines: agents.length,
    programs: [...planes, ...agents],
    planes,
    agents,
    get primary() {
      return primary;
    },
    leaderName: () => planes[urls.indexOf(leader.url ?? "")]?.name,
    async promoteStandby() {
      await standby!.promote();
      primary = standby!;
    },
    victims: () => [
      ...planes.flatMap((plane, at) =>
        programVictim(leader.url === urls[at] ? "leader" : "follower", plane),
      ),
      ...agentVictims(agents),
      ...servers.flatMap((server) => server.victims()),
    ],
    async restart() {
      for (const plane of planes) plane.kill(0);
      await Promise.all(planes.map((plane) => plane.ready()));
    },
    ownEnds: () => [...planes, ...agents].flatMap((program) => ownEndsOf(program, isRefusedStart)),
    startsRefused: () => planes.flatMap(({ ownEnds }) => ownEnds.filter(isRefusedStart)).length,
    async stop() {
      leader.stop();
      await Promise.all(agents.map((agent) => agent.stop()));
      await Promise.all(planes.map((plane) => plane.stop()));
      await Promise.all(servers.map(({ program }) => program.stop("SIGINT")));
      endAllOf(folder);
    },
  };
}

/** Of a control plane whose log was away when it started: it says so, and is started again. */
function isRefusedStart({ hasSaid, status, said }: Life): boolean {
  return !hasSaid && status === 7 && /PostgreSQL/.test(said);
}

/** Who leads, as any control plane said last. */
function followLeader(urls: string[], key: string): { url: string | undefined; stop(): void } {
  const known = { url: undefined as string | undefined, stop: () => clearInterval(timer) };
  let turn = 0;
  const look = async (): Promise<void> => {
    const response = await fetch(`${urls[(turn += 1) % urls.length]}/v1/status`, {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(lookMs * 2),
    });
    const { controlPlanes } = (await response.json()) as {
      controlPlanes: { url: string; role: string }[];
    };
    known.url = controlPlanes.find(({ role }) => role === "leader")?.url ?? known.url;
  };
  const timer = setInterval(() => void look().catch(() => {}), lookMs);
  return known;
}
