import { crc32 } from "node:zlib";
import { messageOf } from "#/base/errors.ts";
import type { Appender } from "#/base/files.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { TaskReport } from "#/model/wire.ts";
import type { Reports } from "./reports.ts";

type Parts = Pick<Host, "files" | "clock" | "log">;

/**
 * What has ended and is not acknowledged, on this machine's disk, so that it outlives the agent for as
 * long as its cloud is away. Only what could not be handed in soon is written, a batch with one fsync:
 * while the cloud answers, nothing is.
 *
 * The file is lines, each a checksum and the JSON of one report. A line that a power cut has torn does
 * not match its checksum and is left out, so a batch is there or, in part, not. Acknowledgements are not
 * written: what is handed in twice is refused by its fence. The file goes when all in it is acknowledged.
 */
export class Outbox {
  #parts: Parts;
  #path: string;
  #reports: Reports;
  #isLinked: () => boolean;
  #appender: Appender | undefined;
  /** What the file holds that is not acknowledged, as far as was looked, and its bytes there. */
  #kept = new Map<TaskReport, number>();
  #fileBytes = 0;
  /** The file may end in a part of a line: the next batch goes into a new one. */
  #isTorn = false;
  #loop: Loop | undefined;
  #isFailing = false;
  #turn = Promise.resolve();

  constructor(parts: Parts, path: string, more: { reports: Reports; isLinked: () => boolean }) {
    this.#parts = parts;
    this.#path = path;
    this.#reports = more.reports;
    this.#isLinked = more.isLinked;
  }

  /** Reads what an earlier life of this agent has left. */
  async read(): Promise<TaskReport[]> {
    const content = await this.#parts.files.read(this.#path);
    if (!content) return [];
    this.#fileBytes = content.length;
    this.#isTorn = true;
    const found = new Map<string, TaskReport>();
    let bad = 0;
    for (const line of linesOf(content)) {
      const report = parseLine(line);
      if (report) found.set(`${report.task} ${report.fence}`, report);
      else bad++;
    }
    if (bad > 0)
      this.#parts.log.warn("some of what had ended here was not wholly on disk, and runs again", {
        lines: bad,
      });
    return [...found.values()];
  }

  /** Begins to write; what was read counts as written. */
  start(read: readonly TaskReport[]): void {
    for (const report of read) this.#kept.set(report, lineOf(report).length);
    this.#loop = startLoop("outbox", () => this.flush("due"), {
      ...this.#parts,
      everyMs: limits.outboxLookMs,
    });
  }

  /** Writes what is due, or all that is not acknowledged. Never rejects: what failed is tried again. */
  flush(which: "due" | "all"): Promise<void> {
    this.#turn = this.#turn.then(() => this.#write(which));
    return this.#turn;
  }

  async stop(): Promise<void> {
    this.#loop?.stop();
    await this.flush("all");
    await this.#close();
  }

  async #write(which: "due" | "all"): Promise<void> {
    if (this.#reports.count === 0 && this.#fileBytes === 0) return;
    try {
      this.#dropAcknowledged();
      const unwritten = (
        which === "all" ? this.#reports.all() : this.#reports.late(this.#isLinked())
      )
        // what a map task made is in this process, and goes with it
        .filter((report) => !this.#kept.has(report) && report.shuffleBytes === undefined);
      if (unwritten.length > 0) await this.#keep(unwritten);
      else if (this.#kept.size === 0 && this.#fileBytes > 0) await this.#clear();
      else if (this.#isWasteful()) await this.#replace([]);
      this.#isFailing = false;
    } catch (thrown) {
      this.#isTorn = true;
      await this.#close().catch(() => {});
      if (!this.#isFailing)
        this.#parts.log.warn("what has ended here cannot be written and stays in memory", {
          error: messageOf(thrown),
        });
      this.#isFailing = true;
    }
  }

  #dropAcknowledged(): void {
    if (this.#kept.size === 0) return;
    const outstanding = new Set(this.#reports.all());
    for (const report of this.#kept.keys()) if (!outstanding.has(report)) this.#kept.delete(report);
  }

  #isWasteful(): boolean {
    const waste = this.#fileBytes - this.#kept.values().reduce((sum, bytes) => sum + bytes, 0);
    return waste > limits.outboxWasteBytesMin && waste > this.#fileBytes / 2;
  }

  async #keep(reports: readonly TaskReport[]): Promise<void> {
    if (this.#fileBytes === 0 || this.#isTorn) return await this.#replace(reports);
    const lines = reports.map(lineOf);
    const content = Buffer.concat(lines);
    this.#appender ??= await this.#parts.files.append(this.#path);
    await this.#appender.write(content);
    await this.#appender.sync();
    this.#fileBytes += content.length;
    for (const [at, report] of reports.entries()) this.#kept.set(report, lines[at]!.length);
  }

  /** A new file with all that is kept, and more. */
  async #replace(more: readonly TaskReport[]): Promise<void> {
    const reports = [...this.#kept.keys(), ...more];
    const lines = reports.map(lineOf);
    const content = Buffer.concat(lines);
    await this.#close();
    await this.#parts.files.write(this.#path, content);
    this.#fileBytes = content.length;
    this.#isTorn = false;
    for (const [at, report] of reports.entries()) this.#kept.set(report, lines[at]!.length);
  }

  async #clear(): Promise<void> {
    await this.#close();
    await this.#parts.files.remove(this.#path);
    this.#fileBytes = 0;
    this.#isTorn = false;
  }

  async #close(): Promise<void> {
    const appender = this.#appender;
    this.#appender = undefined;
    await appender?.close();
  }
}

const checksumLength = 8;

function lineOf(report: TaskReport): Buffer {
  const text = JSON.stringify(report);
  return Buffer.from(`${checksumOf(text)} ${text}\n`);
}

function parseLine(line: Buffer): TaskReport | undefined {
  const text = line.subarray(checksumLength + 1);
  if (line.toString("latin1", 0, checksumLength) !== checksumOf(text)) return undefined;
  return JSON.parse(text.toString()) as TaskReport;
}

function checksumOf(text: string | Buffer): string {
  return crc32(text).toString(16).padStart(checksumLength, "0");
}

function* linesOf(content: Uint8Array): Generator<Buffer> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  for (let start = 0; start < bytes.length;) {
    const found = bytes.indexOf("\n", start);
    const end = found < 0 ? bytes.length : found;
    if (end > start) yield bytes.subarray(start, end);
    start = end + 1;
  }
}
