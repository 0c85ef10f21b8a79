import type { Database, Value } from "../../database.ts";
import { limits } from "../../limits.ts";
import { explainFailure } from "./failures.ts";
import { Line } from "./line.ts";
import { Listener } from "./listener.ts";
import type { PostgresServers } from "./servers.ts";

/** Makes a schema where there is none: with IF NOT EXISTS, the right to make one would be needed where there is one. */
export function createSchemaSql(schema: string): string {
  return `
    DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') THEN
        CREATE SCHEMA "${schema}";
      END IF;
    END $$;`;
}

/** A database over a few connections, each made when it is first needed. */
export class PostgresDatabase implements Database {
  readonly schema: string;
  #servers: PostgresServers;
  #lines: Line[];
  #listeners = new Set<Listener>();
  #next = 0;

  /** What is "relaxed" may be lost when the server's power goes: a commit waits for no disk. */
  constructor(servers: PostgresServers, durability: "full" | "relaxed" = "full") {
    this.schema = `"${servers.address.schema}"`;
    this.#servers = servers;
    this.#lines = Array.from(
      { length: limits.postgresConnections },
      () =>
        new Line(servers, async (connection) => {
          if (durability === "relaxed") await connection.query("SET synchronous_commit = off");
        }),
    );
  }

  async query<Row>(sql: string, values?: readonly Value[]): Promise<Row[]> {
    const line = this.#lines[this.#next++ % this.#lines.length]!;
    try {
      return await line.query<Row>(sql, values);
    } catch (thrown) {
      throw explainFailure("use the database", this.#servers.address.shown, thrown);
    }
  }

  async make(table: string, sql: string): Promise<void> {
    const [row] = await this.query<{ there: boolean }>(
      "SELECT to_regclass($1) IS NOT NULL AS there",
      [`${this.schema}.${table}`],
    );
    if (row!.there) return;
    await this.query(`
      SELECT pg_advisory_xact_lock(hashtext('canopy tables'));
      ${createSchemaSql(this.#servers.address.schema)}
      ${sql.replaceAll("CREATE TABLE", "CREATE TABLE IF NOT EXISTS")}`);
  }

  async listen(channel: string, onNews: (payload: string) => void): Promise<() => void> {
    let isFirst = true;
    const listener = new Listener(this.#servers, channel, (payload) => {
      if (!(isFirst && payload === "")) onNews(payload);
      isFirst = false;
    });
    this.#listeners.add(listener);
    await listener.started;
    return () => {
      listener.close();
      this.#listeners.delete(listener);
    };
  }

  close(): void {
    for (const line of this.#lines) line.close();
    for (const listener of this.#listeners) listener.close();
  }
}
