import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import type { BucketRecord, Logging } from "#/model/bucket.ts";
import { putReport, type ReportParts } from "./reports.ts";

interface Line {
  at: number;
  text: string;
}

/** Lines of one bucket that wait to be put. */
interface Waiting {
  bucket: BucketRecord;
  lines: Line[];
  bytes: number;
}

/**
 * The server access log: a line for each request to a bucket that has it switched on, put into its target bucket in files of
 * some minutes. As with S3 that is done as well as it goes: what waits in memory is lost when the process is killed, and dropped, and
 * counted in our own log, when too much of it does.
 */
export class AccessLog {
  #parts: ReportParts & { random: Random; log: Log };
  #waiting = new Map<string, Waiting>();
  #bytes = 0;
  #dropped = 0;
  #loop: Loop | undefined;

  constructor(parts: ReportParts & { random: Random; log: Log }) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    const everyMs = limits.accessLogMs;
    this.#loop = startLoop("access log", () => this.flush(), { clock, log, everyMs });
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Keeps a line about a request to a bucket, which has its log switched on. */
  note(bucket: BucketRecord, line: Line): void {
    const bytes = Buffer.byteLength(line.text) + 1;
    if (this.#bytes + bytes > limits.accessLogBytesMax) {
      this.#dropped++;
      return;
    }
    let waiting = this.#waiting.get(bucket.spec.id);
    if (!waiting) this.#waiting.set(bucket.spec.id, (waiting = { bucket, lines: [], bytes: 0 }));
    waiting.bucket = bucket;
    waiting.lines.push(line);
    waiting.bytes += bytes;
    this.#bytes += bytes;
    if (waiting.bytes >= limits.accessLogFileBytes) this.#loop?.wake();
  }

  /** Puts all that waits. */
  async flush(): Promise<void> {
    const { log } = this.#parts;
    if (this.#dropped > 0) {
      log.warn(`${this.#dropped} lines of access logs were dropped, as too many waited`);
      this.#dropped = 0;
    }
    const all = this.#waiting;
    this.#waiting = new Map();
    for (const waiting of all.values()) {
      this.#bytes -= waiting.bytes;
      await this.#put(waiting).catch((thrown: unknown) => {
        const { name } = waiting.bucket;
        log.warn(`lines of the access log of ${name} are lost`, { error: messageOf(thrown) });
      });
    }
  }

  async #put({ bucket, lines }: Waiting): Promise<void> {
    const { logging } = bucket.spec;
    if (!logging) return;
    const target = { project: bucket.project, bucket: logging.bucket };
    for (const [at, texts] of this.#files(logging, lines)) {
      const unique = Buffer.from(this.#parts.random.bytes(8)).toString("hex").toUpperCase();
      await putReport(this.#parts, target, {
        key: `${keyStart(logging, bucket, at)}-${unique}`,
        body: Buffer.from(`${texts.join("\n")}\n`),
        contentType: "text/plain",
      });
    }
  }

  /** By what their keys tell: the day of the events, or the moment of the delivery. */
  #files({ partitionedBy }: Logging, lines: readonly Line[]): Map<number, string[]> {
    const now = this.#parts.clock.now();
    const files = new Map<number, string[]>();
    for (const { at, text } of lines) {
      const told = partitionedBy === "EventTime" ? Math.floor(at / dayMs) * dayMs : now;
      const file = files.get(told);
      if (file) file.push(text);
      else files.set(told, [text]);
    }
    return files;
  }
}

const dayMs = 24 * 60 * 60_000;

/** "PREFIX2030-01-31-23-59-59", where it is asked after folders that sort by whose it is and by the day. */
function keyStart(
  { prefix, partitionedBy }: Logging,
  { name, spec }: BucketRecord,
  at: number,
): string {
  const [date = "", time = ""] = new Date(at).toISOString().split("T");
  const moment = `${date}-${time.slice(0, 8).replaceAll(":", "-")}`;
  if (!partitionedBy) return prefix + moment;
  const { accountId, region } = spec;
  return `${prefix}${accountId}/${region}/${name}/${date.replaceAll("-", "/")}/${moment}`;
}
