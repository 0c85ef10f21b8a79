import { setTimeout as sleep } from "node:timers/promises";
import { CanopyError, messageOf } from "../../errors.ts";
import { limits } from "../../limits.ts";
import { parsePostgresAddress, type PostgresAddress } from "./address.ts";
import { Connection } from "./connection.ts";

const versionMin = 15;

/** What a server says of itself. */
interface Facts {
  version: number;
  recovering: boolean;
  readOnly: boolean;
  fsync: string;
  encoding: string;
  synchronous: string;
  /** Grows with each promotion of a standby; 0 while it recovers. */
  timeline: number;
}

const factsSql = `
  SELECT current_setting('server_version_num')::int / 10000 AS version, pg_is_in_recovery() AS recovering,
    current_setting('transaction_read_only') = 'on' AS "readOnly", current_setting('fsync') AS fsync,
    current_setting('server_encoding') AS encoding, current_setting('synchronous_commit') AS synchronous,
    CASE WHEN pg_is_in_recovery() THEN 0
      ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END AS timeline`;

/**
 * The servers of one address, of which one takes writes. Which one changes when a standby is promoted, so
 * it is looked for with each new connection: the one that does not recover, and of two that believe so
 * the one promoted last. A server that was left behind is never gone back to, and once a newer one is known
 * the connections to it are ended: it would go on to answer, with what was true when it was left.
 */
export class PostgresServers {
  readonly address: PostgresAddress;
  #timeline = 0;
  #given: { connection: Connection; timeline: number }[] = [];

  /** Throws "invalid". Connects to nothing yet. */
  constructor(address: string) {
    this.address = parsePostgresAddress(address);
  }

  /**
   * A connection to the server that takes writes, whose commits are on its disk, and on its synchronous
   * standby's when it has one, before they are answered. Throws CanopyError: "unavailable" when none
   * can be reached or takes writes, is too old, or does not keep what it is told; "unauthenticated" and "not-found"
   * when there is no such user or database.
   */
  async connect(): Promise<Connection> {
    const { hosts } = this.address;
    const found: { connection: Connection; facts: Facts }[] = [];
    const failures: unknown[] = [];
    const first = Promise.withResolvers<void>();
    const tries = hosts.map(async (server) => {
      try {
        found.push(await this.#look(server));
        first.resolve();
      } catch (thrown) {
        failures.push(thrown);
      }
    });
    const all = Promise.all(tries);
    await Promise.race([all, first.promise]);
    // There may be two that believe to be the one, but a dead one is not waited for.
    if (hosts.length > 1 && found.length > 0)
      await Promise.race([all, sleep(limits.postgresOthersMs)]);
    found.sort((a, b) => b.facts.timeline - a.facts.timeline);
    const [best, ...others] = found;
    for (const { connection } of others) connection.destroy();
    void all.then(() =>
      found.slice(others.length + 1).forEach(({ connection }) => connection.destroy()),
    );
    if (!best) throw this.#worst(failures);
    if (best.facts.timeline < this.#timeline) {
      best.connection.destroy();
      throw this.#refusal("it must not have been left behind by a standby that was promoted");
    }
    this.#timeline = best.facts.timeline;
    this.#given = this.#given.filter(({ connection, timeline }) => {
      if (timeline < this.#timeline) connection.destroy("its server was left behind");
      return connection.isOpen;
    });
    this.#given.push({ connection: best.connection, timeline: this.#timeline });
    if (["off", "local", "remote_write"].includes(best.facts.synchronous))
      await best.connection.query("SET synchronous_commit = on");
    return best.connection;
  }

  async #look(server: { host: string; port: number }) {
    const connection = await Connection.open(this.address, server);
    try {
      const [facts] = await connection.query<Facts>(factsSql);
      const { version, recovering, readOnly, fsync, encoding } = facts!;
      if (version < versionMin)
        throw this.#refusal(`it must be version ${versionMin} or newer`, `version ${version}`);
      if (recovering) throw this.#refusal("it must take writes", "a standby that recovers");
      if (readOnly)
        throw this.#refusal("it must take writes", "default_transaction_read_only = on");
      if (fsync !== "on") throw this.#refusal("its fsync must be on", fsync);
      if (encoding !== "UTF8") throw this.#refusal("its encoding must be UTF8", encoding);
      return { connection, facts: facts! };
    } catch (thrown) {
      connection.destroy();
      throw thrown;
    }
  }

  #refusal(rule: string, value?: string): CanopyError {
    const now = value === undefined ? "" : `: current value is ${value}`;
    return new CanopyError(
      "unavailable",
      `Cannot use PostgreSQL at ${this.address.shown} as ${rule}${now}`,
      {
        hint: "With several servers, name all of them: postgres://one,two/database",
      },
    );
  }

  /** The failure that says most: a server that answered, before one that was not there. */
  #worst(failures: unknown[]): unknown {
    const refusal = failures.find((thrown) => thrown instanceof CanopyError);
    if (refusal) return refusal;
    const { shown, user, database } = this.address;
    for (const thrown of failures) {
      const code = (thrown as { code?: string }).code ?? "";
      if (code.startsWith("28") || /password/.test(messageOf(thrown)))
        return new CanopyError(
          "unauthenticated",
          `Cannot use PostgreSQL at ${shown} as it must let ${user ?? "this user"} in: ${messageOf(thrown)}`,
          { hint: "Check the user, the password and pg_hba.conf of that server" },
        );
      if (code === "3D000")
        return new CanopyError(
          "not-found",
          `Cannot use PostgreSQL at ${shown} as there is no database '${database}'`,
          {
            hint: `Make one: createdb ${database}`,
          },
        );
    }
    const [cause] = failures;
    return new CanopyError(
      "unavailable",
      `Cannot reach PostgreSQL at ${shown}: ${messageOf(cause)}`,
      {
        hint: "Is the server up? See: pg_isready",
        cause,
      },
    );
  }
}
