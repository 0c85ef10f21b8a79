import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Value } from "#/base/database.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import { explainFailure, failureOf, noSpace } from "#/base/node/postgres/failures.ts";
import { Line, retryDelayMs } from "#/base/node/postgres/line.ts";
import { Listener } from "#/base/node/postgres/listener.ts";
import type { PostgresServers } from "#/base/node/postgres/servers.ts";
import type { Kind, RecordOfKind } from "#/model/record.ts";
import { encodeRecord } from "../codec.ts";
import { Deposed, type Batch, type Leader, type Loaded, type SharedLog } from "../log.ts";
import { findArchived, listArchived, type Query } from "./postgres/archive.ts";
import { Changes } from "./postgres/changes.ts";
import { damaged } from "./postgres/damage.ts";
import { appendValues } from "./postgres/encode.ts";
import { Recent } from "./postgres/recent.ts";
import { readAll } from "./postgres/reading.ts";
import { Extents } from "./extents.ts";
import { channelOf, quoted } from "./postgres/schema.ts";
import { leaderSql, type LeaderRow } from "./postgres/leader.ts";
import { setUp, type Restoring } from "./postgres/setup.ts";

/** A connection that may append: the leader's newest. */
interface Writer {
  connection: Connection;
  session: number;
}

interface Settled {
  leads: boolean;
  my_session: number;
  landed: boolean;
  newest: number;
  oldest: number | null;
}

const parameters = Array.from({ length: 23 }, (_, index) => `$${index + 1}`).join(", ");

/**
 * A log in a schema of a PostgreSQL database, shared by the control planes of one cell. It needs a
 * connection to the server itself, not a pool of statements or transactions between.
 *
 * The hard part is a connection that is lost before the answer to an append came. The append may have been
 * committed, may be under way still, or may even reach the server later. So each connection that
 * appends has a number of its own, the session, in the row that every append locks and checks. A new
 * connection first takes the next number (`settle`): an append of the old one has then either been committed, and
 * is found among the changes by its sequence and epoch, or will be refused. That taking is itself a
 * commit which waits for the synchronous standby, so a batch found is on the standby too, even when the
 * server went down while it waited for that.
 */
export class PostgresLog implements SharedLog {
  #servers: PostgresServers;
  #schema: string;
  /** For leading and appending; read by nobody else, so that an append waits for no page. */
  #writing: Line;
  #reading: Line;
  /** For who leads, which must not wait for anything. */
  #beating: Line;
  #listener: Listener | undefined;
  #restoring: Restoring | undefined;
  #ready: Promise<void> | undefined;
  /** Says who leads, whatever its URL is. */
  #holder = randomUUID();
  #epoch: number | undefined;
  #writer: Writer | undefined;
  #extents = new Extents();
  #recent = new Recent();
  #ask: Query = (sql, values) => this.#query(sql, values);
  #changes: Changes;
  #id: string | undefined;
  #changeBytes = 0;
  #trimming = false;
  #isClosed = false;
  onNews: () => void = () => undefined;

  /** Connects to nothing yet. With `restoring` it is made for a backup: see `setUp`. */
  constructor(servers: PostgresServers, restoring?: Restoring) {
    this.#servers = servers;
    this.#restoring = restoring;
    this.#schema = quoted(servers.address.schema);
    this.#changes = new Changes(this.#ask, this.#schema);
    this.#writing = new Line(servers, (connection) => this.#requireSame(connection));
    this.#reading = new Line(servers, (connection) => this.#requireSame(connection));
    this.#beating = new Line(servers, (connection) => this.#requireSame(connection));
  }

  async load(): Promise<Loaded> {
    const epoch = (await this.#leadOnceSilent()) ?? 0;
    const loaded = await this.follow();
    if (epoch !== loaded.epoch)
      throw new CanopyError("conflict", "Cannot open the log as another control plane leads", {
        hint: "Let this one follow: canopy up --log postgres://…",
      });
    return loaded;
  }

  async follow(): Promise<Loaded> {
    await this.#opened();
    const connection = await this.#servers.connect();
    try {
      await this.#requireSame(connection);
      const { loaded, seen } = await readAll(connection, this.#servers.address.schema);
      this.#changes.saw(seen);
      const [row] = await connection.query<{ bytes: number }>(
        `SELECT coalesce(sum(octet_length(body)), 0) AS bytes FROM ${this.#schema}.changes`,
      );
      this.#changeBytes = row!.bytes;
      this.#listen();
      return loaded;
    } catch (thrown) {
      throw this.#explain("read the log", thrown);
    } finally {
      connection.destroy();
    }
  }

  async leader(): Promise<Leader | undefined> {
    await this.#opened();
    const [row] = await this.#query<LeaderRow>(leaderSql(this.#schema), [], this.#beating);
    if (!row) return undefined;
    const { epoch, url, resigned, silentMs } = row;
    return { epoch, url, silentMs: resigned ? Number.POSITIVE_INFINITY : silentMs };
  }

  async lead(url: string): Promise<number | undefined> {
    await this.#opened();
    try {
      const connection = await this.#writing.open();
      const [row] = await connection.query<{ epoch: number | null }>(
        `SELECT ${this.#schema}.lead($1, $2) AS epoch`,
        [this.#holder, url],
      );
      if (row!.epoch === null) return undefined;
      this.#epoch = row!.epoch;
      this.#writer = { connection, session: 1 };
      this.#extents.undo();
      this.#recent.clear();
      return this.#epoch;
    } catch (thrown) {
      // Someone's append holds the row.
      if (failureOf(thrown) === "again") return undefined;
      throw this.#explain("lead", thrown);
    }
  }

  async beat(): Promise<void> {
    const epoch = this.#leading();
    try {
      const [row] = await this.#beating.query<{ leads: boolean }>(
        `SELECT ${this.#schema}.beat($1) AS leads`,
        [epoch],
      );
      if (!row!.leads) throw this.#deposed(epoch);
    } catch (thrown) {
      throw this.#explain("say that this one leads", thrown);
    }
  }

  async resign(): Promise<void> {
    const epoch = this.#epoch;
    if (epoch === undefined) return;
    this.#epoch = undefined;
    this.#writer = undefined;
    this.#recent.clear();
    await this.#query(`SELECT ${this.#schema}.resign($1)`, [epoch], this.#beating);
  }

  async append(batch: Batch): Promise<void> {
    const epoch = this.#leading();
    const encoded = batch.changes.map(({ record }) => encodeRecord(record));
    const values = appendValues(batch, encoded, this.#extents);
    try {
      for (let tries = 0; !(await this.#appended(epoch, batch, values)); tries++)
        await sleep(retryDelayMs(tries));
    } catch (thrown) {
      this.#extents.undo();
      throw thrown;
    }
    if (this.#epoch === epoch) this.#recent.note(batch.changes, encoded);
    this.#changeBytes += (values[3] as string).length;
    if (this.#changeBytes > 2 * limits.changesKeptBytes) void this.#trim();
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    const found = names.map((name) => this.#recent.get(kind, name));
    const missing = names.filter((_, index) => !found[index]);
    if (missing.length === 0) return found;
    const rest = await findArchived(this.#ask, this.#schema, kind, missing);
    let next = 0;
    return found.map((record) => record ?? rest[next++]);
  }

  archived<K extends Kind>(
    kind: K,
    options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
  ): Promise<RecordOfKind<K>[]> {
    return listArchived(this.#ask, this.#schema, kind, options);
  }

  read(sequence: number, max: number): Promise<Batch[]> {
    return this.#changes.read(sequence, max);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.resign().catch(() => undefined);
    this.#isClosed = true;
    this.#listener?.close();
    this.#writing.close();
    this.#reading.close();
    this.#beating.close();
  }

  /** True when the batch is durable, false when it has to be tried again. */
  async #appended(epoch: number, batch: Batch, values: Value[]): Promise<boolean> {
    if (this.#isClosed) throw new CanopyError("unavailable", "Cannot append as the log was closed");
    try {
      if (!this.#writer?.connection.isOpen && (await this.#settle(epoch, batch.sequence)))
        return true;
      const { connection, session } = this.#writer!;
      const { warnings } = connection;
      const [row] = await connection.query<{ outcome: string }>(
        `SELECT ${this.#schema}.append(${parameters}) AS outcome`,
        [epoch, session, ...values],
      );
      // Someone cancelled the wait for the standby: committed here, but perhaps not there.
      const isSure = connection.warnings === warnings;
      if (!isSure) return await this.#settle(epoch, batch.sequence);
      return this.#judge(row!.outcome, epoch, batch);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure === "full") throw noSpace("keep changes", this.#servers.address.shown, thrown);
      if (failure === "broken") throw thrown;
      if (failure === "lost") this.#dropWriter();
      return false;
    }
  }

  #judge(outcome: string, epoch: number, { sequence }: Batch): boolean {
    if (outcome === "done") return true;
    if (outcome === "deposed") throw this.#deposed(epoch);
    if (outcome === "gap")
      throw damaged(
        `batch ${sequence} must come next, which the database says it does not: it may have lost others`,
      );
    this.#dropWriter(); // Another connection of this process took over.
    return false;
  }

  /**
   * Makes the newest connection the one that may append, and gives whether the batch landed by an earlier
   * one. Throws Deposed when it did not and another leads.
   */
  async #settle(epoch: number, sequence: number): Promise<boolean> {
    const connection = await this.#writing.open();
    const [settled] = await connection.query<Settled>(
      `SELECT * FROM ${this.#schema}.settle($1, $2)`,
      [epoch, sequence],
    );
    const { leads, my_session: session, landed, newest, oldest } = settled!;
    if (leads) this.#writer = { connection, session };
    if (landed) return true;
    if (leads && newest !== sequence - 1)
      throw damaged(
        `its newest batch must be ${sequence - 1}: it is ${newest}, so the database has lost others`,
      );
    if (leads) return false;
    if (oldest !== null && oldest > sequence)
      throw new Error(
        `Cannot tell whether batch ${sequence} was appended, as it is no longer kept`,
      );
    throw this.#deposed(epoch);
  }

  #dropWriter(): void {
    this.#writer?.connection.destroy();
    this.#writer = undefined;
  }

  #leading(): number {
    if (this.#epoch === undefined) throw new Deposed();
    return this.#epoch;
  }

  /** This process may lead again, under another epoch, while an append of an earlier one is still being settled. */
  #deposed(epoch: number): Deposed {
    if (this.#epoch === epoch) {
      this.#epoch = undefined;
      this.#writer = undefined;
      this.#recent.clear();
    }
    return new Deposed();
  }

  /** Drops the oldest changes until what is left fits. A failure is made good by the next one. */
  async #trim(): Promise<void> {
    if (this.#trimming) return;
    this.#trimming = true;
    try {
      const s = this.#schema;
      const [row] = await this.#query<{ bytes: number }>(
        `WITH sized AS (
           SELECT sequence, octet_length(body) AS bytes,
             sum(octet_length(body)) OVER (ORDER BY sequence DESC) AS total FROM ${s}.changes
         ), gone AS (
           DELETE FROM ${s}.changes USING sized
             WHERE changes.sequence = sized.sequence AND total - bytes > $1 RETURNING 1
         ) SELECT coalesce(sum(bytes) FILTER (WHERE total - bytes <= $1), 0) AS bytes FROM sized`,
        [limits.changesKeptBytes],
      );
      this.#changeBytes = row!.bytes;
    } catch {
      // It is tried again with the next batch.
    } finally {
      this.#trimming = false;
    }
  }

  /** Waits for a leader that fell silent, but not for one that lives. */
  async #leadOnceSilent(): Promise<number | undefined> {
    for (let last: Leader | undefined; ;) {
      const epoch = await this.lead("");
      if (epoch !== undefined) return epoch;
      const leader = await this.leader();
      if (!leader) await this.follow(); // throws "damaged" when the row that says it is missing
      if (last && leader && (leader.epoch !== last.epoch || leader.silentMs < last.silentMs))
        return undefined;
      last = leader;
      await sleep(limits.followMs);
    }
  }

  #listen(): void {
    this.#listener ??= new Listener(
      this.#servers,
      channelOf(this.#servers.address.schema),
      (_, fromProcess) => {
        if (fromProcess !== this.#writer?.connection.processId) this.onNews();
      },
    );
  }

  /** Once per process: makes the tables, or sees that they are this cell's. */
  #opened(): Promise<void> {
    this.#ready ??= this.#open().catch((thrown) => {
      this.#ready = undefined;
      throw thrown;
    });
    return this.#ready;
  }

  async #open(): Promise<void> {
    const connection = await this.#servers.connect();
    try {
      this.#id = await setUp(connection, this.#servers.address, this.#restoring);
    } finally {
      connection.destroy();
    }
  }

  /** A server that comes back, or another in its place, must have the same log. */
  async #requireSame(connection: Connection): Promise<void> {
    await this.#opened();
    const [row] = await connection.query<{ id: string }>(
      `SELECT value AS id FROM ${this.#schema}.meta WHERE key = 'id'`,
    );
    if (row?.id !== this.#id)
      throw new CanopyError(
        "conflict",
        `Cannot go on as PostgreSQL at ${this.#servers.address.shown} now has another log`,
      );
  }

  async #query<Row>(
    sql: string,
    values: readonly Value[],
    line: Line = this.#reading,
  ): Promise<Row[]> {
    try {
      return await line.query<Row>(sql, values);
    } catch (thrown) {
      throw this.#explain("read the log", thrown);
    }
  }

  #explain(action: string, thrown: unknown): unknown {
    return explainFailure(action, this.#servers.address.shown, thrown);
  }
}
