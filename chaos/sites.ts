import { loopbackPlace, type Place } from "./places.ts";
import { postgresMissing } from "./postgres.ts";
import { startPostgresSite } from "./postgres-site.ts";
import type { Site } from "./site.ts";
import { startSqliteSite } from "./sqlite-site.ts";

export type SiteKind = "sqlite" | "postgres";

/** A cloud over SQLite, of one control plane; or over PostgreSQL, of three. */
export async function startSite(kind: SiteKind, folder: string): Promise<Site> {
  if (kind === "sqlite") return startSqliteSite(folder, await placesOf("agent", 2));
  if (postgresMissing !== undefined) throw new Error(postgresMissing);
  return startPostgresSite(folder, {
    planes: await placesOf("plane", 3),
    agents: await placesOf("agent", 3),
    servers: await placesOf("postgres", 1),
  });
}

function placesOf(name: string, count: number): Promise<Place[]> {
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  return Promise.all(numbers.map((number) => loopbackPlace(`${name}-${number}`)));
}
