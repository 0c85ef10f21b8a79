import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { cutting } from "./cuts.ts";
import { killing, type Harm, type Injector } from "./faults.ts";
import { Network, networkMissing } from "./network.ts";
import { loopbackPlace, type Place } from "./places.ts";
import { startPostgresSite } from "./postgres-site.ts";
import { victimKinds, type Site, type VictimKind } from "./site.ts";
import { startSqliteSite } from "./sqlite-site.ts";

/**
 * A cloud over SQLite, of one control plane; over PostgreSQL, of three; or of three over a PostgreSQL with a
 * synchronous standby, each in a network namespace of its own.
 */
export const sceneKinds = ["sqlite", "postgres", "network"] as const;
export type SceneKind = (typeof sceneKinds)[number];

/** A cloud, and what harms it. */
export interface Scene {
  site: Site;
  inject: Injector;
  /** Ends all of it. */
  stop(): Promise<void>;
}

/** Why there can be no such scene here; undefined when there can. */
export function sceneMissing(kind: SceneKind): string | undefined {
  if (kind === "sqlite") return undefined;
  return postgresMissing ?? (kind === "network" ? networkMissing() : undefined);
}

export async function startScene(
  kind: SceneKind,
  folder: string,
  { only, everyMs = 1100 }: { only?: readonly VictimKind[] | undefined; everyMs?: number } = {},
): Promise<Scene> {
  if (kind === "network")
    return startNetworkScene(folder, { kinds: only ?? ["agent", "runner"], everyMs });
  const site =
    kind === "sqlite"
      ? await startSqliteSite(folder, await placesOf("agent", 2))
      : await startPostgresSite(folder, {
          planes: await placesOf("plane", 3),
          agents: await placesOf("agent", 3),
          servers: await placesOf("postgres", 1),
        });
  return {
    site,
    inject: killing(site, { kinds: only ?? victimKinds, everyMs }),
    stop: () => site.stop(),
  };
}

async function startNetworkScene(folder: string, harm: Harm): Promise<Scene> {
  const names = {
    planes: namesOf("plane", 3),
    agents: namesOf("agent", 3),
    servers: namesOf("postgres", 2),
  };
  const network = Network.make(Object.values(names).flat());
  const at = (list: string[]) => list.map((name) => network.places.get(name)!);
  const site = await startPostgresSite(folder, {
    planes: at(names.planes),
    agents: at(names.agents),
    servers: at(names.servers),
  });
  const injectors = [cutting(site, network, harm.everyMs), killing(site, harm)];
  return {
    site,
    inject: async (chance, untilMs, faults) => {
      await Promise.all(injectors.map((inject) => inject(chance.fork(), untilMs, faults)));
    },
    async stop() {
      await site.stop();
      network.remove();
    },
  };
}

function namesOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${name}-${at + 1}`);
}

function placesOf(name: string, count: number): Promise<Place[]> {
  return Promise.all(namesOf(name, count).map(loopbackPlace));
}
