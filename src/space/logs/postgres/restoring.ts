import type { Connection } from "#/base/node/postgres/connection.ts";
import { explainFailure } from "#/base/node/postgres/failures.ts";
import type { PostgresServers } from "#/base/node/postgres/servers.ts";
import { Deposed } from "../../log.ts";
import { PostgresLog } from "../postgres.ts";
import { emptySql, quoted } from "./schema.ts";
import { restoringKey, type Restoring } from "./setup.ts";

/**
 * A log that a backup is put back into. Its tables bear a mark until it is whole, so that one cut short
 * is never started from: no control plane opens it, and the next restore makes it anew.
 */
export class PostgresRestoring {
  readonly log: PostgresLog;
  #servers: PostgresServers;
  #mark: string;

  /** Connects to nothing yet. */
  constructor(servers: PostgresServers, restoring: Restoring) {
    this.log = new PostgresLog(servers, restoring);
    this.#servers = servers;
    this.#mark = restoring.mark;
  }

  /** Makes the tables. Throws "conflict" when something is in the schema, or another restore into it is under way. */
  async begin(): Promise<void> {
    await this.log.follow();
  }

  /** Keeps `entries` in `meta`, and from then on control planes may open it. Throws Deposed when another restore took over. */
  async finish(entries: Record<string, string>): Promise<void> {
    const isOurs = await this.#whileOurs(async (connection, s) => {
      for (const entry of Object.entries(entries))
        await connection.query(`INSERT INTO ${s}.meta VALUES ($1, $2)`, entry);
      await connection.query(`DELETE FROM ${s}.meta WHERE key = '${restoringKey}'`);
    });
    if (!isOurs) throw new Deposed();
  }

  /** Takes away all that was made, unless it was not made, or is another's by now. */
  async abandon(): Promise<void> {
    await this.#whileOurs(async (connection) => {
      await connection.query(emptySql(this.#servers.address.schema));
    });
  }

  /** One transaction; false, having done nothing, when the mark is not there. */
  async #whileOurs(work: (connection: Connection, s: string) => Promise<void>): Promise<boolean> {
    const { schema, shown } = this.#servers.address;
    const s = quoted(schema);
    const connection = await this.#servers.connect();
    try {
      const [meta] = await connection.query<{ there: boolean }>(
        `SELECT to_regclass('${s}.meta') IS NOT NULL AS there`,
      );
      if (!meta!.there) return false;
      await connection.query("BEGIN");
      const rows = await connection.query(
        `SELECT FROM ${s}.meta WHERE key = $1 AND value = $2 FOR UPDATE`,
        [restoringKey, this.#mark],
      );
      if (rows.length === 0) return false;
      await work(connection, s);
      await connection.query("COMMIT");
      return true;
    } catch (thrown) {
      throw explainFailure("put a backup back", shown, thrown);
    } finally {
      connection.destroy();
    }
  }
}
