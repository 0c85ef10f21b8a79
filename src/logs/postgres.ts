import type { Clock } from "#/base/clock.ts";
import type { Database } from "#/base/database.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { LogLine } from "#/model/wire.ts";
import { LogBuffer } from "./buffer.ts";
import { decodeLine, isOfTask } from "./line.ts";
import type { LogPage, Logs } from "./logs.ts";

interface PostgresLogsParts {
  /** A relaxed one will do: a line of a log may be lost in a power cut. */
  database: Database;
  clock: Clock;
  report: Log;
}

/** Texts of lines read by one query. */
const chunksPerRead = 64;

/**
 * Logs in a PostgreSQL database, where every control plane of a cell reaches them, whichever of them a
 * task's machine is linked to. What is flushed of a job is one row, numbered by its first line; the row of the job
 * gives the numbers and is locked until the commit, so that lines appear in the order of their numbers.
 */
export class PostgresLogs implements Logs {
  #database: Database;
  #s: string;
  #buffer: LogBuffer;
  #origin: string;
  #stop: () => void = () => undefined;
  #uncheckedBytes = 0;

  /** Makes its tables. */
  static async open(parts: PostgresLogsParts): Promise<PostgresLogs> {
    const { database } = parts;
    const s = database.schema;
    await database.make(
      "logs",
      `
      CREATE TABLE ${s}.logs (
        job text COLLATE "C" PRIMARY KEY, lines bigint NOT NULL, bytes bigint NOT NULL
      ) WITH (fillfactor = 50);
      CREATE TABLE ${s}.log_lines (
        job text COLLATE "C", first bigint, body text COMPRESSION lz4 NOT NULL, PRIMARY KEY (job, first)
      );`,
    );
    const [row] = await database.query<{ origin: string }>("SELECT gen_random_uuid() AS origin");
    const logs = new PostgresLogs(parts, row!.origin);
    logs.#stop = await database.listen(logs.#channel, (payload) => logs.#heard(payload));
    return logs;
  }

  private constructor({ database, clock, report }: PostgresLogsParts, origin: string) {
    this.#database = database;
    this.#s = database.schema;
    this.#origin = origin;
    this.#buffer = new LogBuffer({
      clock,
      report,
      sizeOf: (job) => this.#sizeOf(job),
      write: (job, content) => this.#write(job, content),
      onFlushed: () => this.#removeOldest().catch(() => undefined), // looked at again after more
    });
  }

  append(job: string, lines: readonly LogLine[]): void {
    this.#buffer.append(job, lines);
  }

  async read(
    job: string,
    options: { task?: string; after?: number; max?: number } = {},
  ): Promise<LogPage> {
    const { task, after = 0, max = limits.logPageLines } = options;
    const lines: LogLine[] = [];
    let next = after;
    while (lines.length < max) {
      const chunks = await this.#chunks(job, next);
      for (const { first, body } of chunks) {
        const texts = body.split("\n");
        texts.pop(); // nothing follows the last line's end
        for (let at = Math.max(0, next - first); at < texts.length && lines.length < max; at++) {
          const text = texts[at]!;
          if (task === undefined || isOfTask(text, task)) lines.push(decodeLine(text));
          next = first + at + 1;
        }
      }
      if (chunks.length < chunksPerRead) break;
    }
    return { lines, next };
  }

  onMore(job: string, listener: () => void): () => void {
    return this.#buffer.onMore(job, listener);
  }

  flushed(): Promise<void> {
    return this.#buffer.flushed();
  }

  async remove(job: string): Promise<void> {
    this.#buffer.drop(job);
    await this.flushed();
    await this.#database.query(
      `WITH gone AS (DELETE FROM ${this.#s}.logs WHERE job = $1) DELETE FROM ${this.#s}.log_lines WHERE job = $1`,
      [job],
    );
  }

  async close(): Promise<void> {
    await this.flushed();
    this.#stop();
  }

  get #channel(): string {
    return `${this.#s.slice(1, -1)}_logs`;
  }

  /** What another control plane wrote, or what may have been while this one could not hear it. */
  #heard(payload: string): void {
    const [origin, job] = payload.split(" ");
    if (origin !== this.#origin) this.#buffer.tell(job);
  }

  /** From the one that holds line number `from` on. */
  #chunks(job: string, from: number): Promise<{ first: number; body: string }[]> {
    return this.#database.query(
      `SELECT first, body FROM ${this.#s}.log_lines WHERE job = $1 AND first >= coalesce(
           (SELECT max(first) FROM ${this.#s}.log_lines WHERE job = $1 AND first <= $2), 0)
         ORDER BY first LIMIT ${chunksPerRead}`,
      [job, from],
    );
  }

  async #sizeOf(job: string): Promise<number> {
    const [row] = await this.#database.query<{ bytes: number }>(
      `SELECT bytes FROM ${this.#s}.logs WHERE job = $1`,
      [job],
    );
    return row?.bytes ?? 0;
  }

  async #write(job: string, content: string): Promise<void> {
    await this.#database.query(
      `WITH log AS (
         INSERT INTO ${this.#s}.logs AS log VALUES ($1, $2, $3)
           ON CONFLICT (job) DO UPDATE SET lines = log.lines + $2, bytes = log.bytes + $3 RETURNING lines
       ), written AS (
         INSERT INTO ${this.#s}.log_lines SELECT $1, lines - $2, $4 FROM log
       ) SELECT pg_notify($5, $6)`,
      [job, linesOf(content), content.length, content, this.#channel, `${this.#origin} ${job}`],
    );
    this.#uncheckedBytes += content.length;
  }

  /** Ids of jobs sort by the time they were made. Looked at now and then, as all control planes write. */
  async #removeOldest(): Promise<void> {
    if (this.#uncheckedBytes < limits.logsBytesMax / 100) return;
    this.#uncheckedBytes = 0;
    await this.#database.query(
      `WITH sized AS (
         SELECT job, sum(bytes) OVER (ORDER BY job DESC) AS newer FROM ${this.#s}.logs
       ), gone AS (
         DELETE FROM ${this.#s}.logs USING sized WHERE logs.job = sized.job AND newer > $1 RETURNING logs.job
       ) DELETE FROM ${this.#s}.log_lines USING gone WHERE log_lines.job = gone.job`,
      [limits.logsBytesMax],
    );
  }
}

function linesOf(content: string): number {
  let lines = 0;
  for (let at = content.indexOf("\n"); at >= 0; at = content.indexOf("\n", at + 1)) lines++;
  return lines;
}
