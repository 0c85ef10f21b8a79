import { join } from "node:path";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import type { Clock, Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import type { Appender, Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { TrailEntry } from "#/model/trail.ts";
import { frameAt, frameHeader, headerBytes, type Frame } from "./frames.ts";

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const dayMs = 24 * 60 * 60_000;

/** Its name begins with when its first entry came. Its frames are read from it when they are looked for: they may be many. */
interface TrailFile {
  name: string;
  sizeBytes: number;
}

/** Where in a journal something stands; older is smaller. */
export interface JournalPlace {
  file: string;
  offset: number;
}

/** A block of entries as it was written, oldest first. */
export interface Block {
  place: JournalPlace;
  lines: string[];
  /** Of its text, not of what it is compressed to. */
  bytes: number;
}

/**
 * Lines in a folder of files that never change once they are full; the oldest go when there are too many. What is put is written soon
 * after, together with what else came: a process that dies loses the last moment.
 */
export class Journal {
  #folder: string;
  #files: Files;
  #clock: Clock;
  #log: Log;
  #kept: TrailFile[] = [];
  #appender: Appender | undefined;
  #lines: string[] = [];
  #bytes = 0;
  #firstMs = 0;
  #lastMs = 0;
  #lost = 0;
  #timer: Timer | undefined;
  #isUrgent = false;
  #writing: Promise<void> = Promise.resolve();
  #waitingBytes = 0;

  private constructor(folder: string, parts: { files: Files; clock: Clock; log: Log }) {
    this.#folder = folder;
    this.#files = parts.files;
    this.#clock = parts.clock;
    this.#log = parts.log;
  }

  static async open(
    folder: string,
    parts: { files: Files; clock: Clock; log: Log },
  ): Promise<Journal> {
    const journal = new Journal(folder, parts);
    await parts.files.makeFolder(folder, { durable: true });
    for (const name of (await parts.files.list(folder)).toSorted())
      if (name.endsWith(ending)) {
        const { sizeBytes = 0 } = (await parts.files.stat(join(folder, name))) ?? {};
        journal.#kept.push({ name, sizeBytes });
      }
    return journal;
  }

  /** Never waits. What cannot be written as fast as it comes is lost, and counted. */
  put(entry: TrailEntry): void {
    if (this.#waitingBytes > limits.trailWaitingBytesMax) return void this.#lost++;
    const line = JSON.stringify(entry);
    if (this.#lines.length === 0) this.#firstMs = entry.at;
    this.#firstMs = Math.min(this.#firstMs, entry.at);
    this.#lastMs = Math.max(this.#lastMs, entry.at);
    this.#lines.push(line);
    this.#bytes += line.length + 1;
    this.#waitingBytes += line.length + 1;
    if (this.#bytes >= limits.trailFrameBytes) this.#write();
    else this.#writeSoon(entry.isRead ? limits.trailReadMs : limits.trailChangeMs, !entry.isRead);
  }

  /** Resolves when all that was put can be read. */
  flushed(): Promise<void> {
    this.#write();
    return this.#writing;
  }

  /** Blocks that may have something of a time, the newest first, beginning with the one of `from`. */
  async *blocks(
    time: { fromMs: number; untilMs: number },
    from?: JournalPlace,
  ): AsyncGenerator<Block> {
    await this.flushed();
    const files = [...this.#kept];
    for (let at = files.length - 1; at >= 0; at--) {
      const { name } = files[at]!;
      const next = files[at + 1];
      if (from && name > from.file) continue;
      if (startOf(name) > time.untilMs + clockSlackMs) continue;
      if (next && startOf(next.name) < time.fromMs - clockSlackMs) return;
      const content = await this.#files.read(join(this.#folder, name));
      if (!content) continue; // it went meanwhile, being too old
      for (const frame of framesOf(content).toReversed()) {
        if (from?.file === name && frame.offset > from.offset) continue;
        if (frame.lastMs < time.fromMs || frame.firstMs > time.untilMs) continue;
        const lines = await this.#linesOf(content, frame);
        const bytes = lines?.reduce((sum, line) => sum + line.length + 1, 0);
        if (lines) yield { place: { file: name, offset: frame.offset }, lines, bytes: bytes! };
      }
    }
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.flushed();
    await this.#appender?.close();
    this.#appender = undefined;
  }

  #writeSoon(delayMs: number, isUrgent: boolean): void {
    if (this.#timer && (this.#isUrgent || !isUrgent)) return;
    this.#timer?.cancel();
    this.#isUrgent = isUrgent;
    this.#timer = this.#clock.after(delayMs, () => this.#write(), true);
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join("\n")}\n`;
    const bytes = this.#bytes;
    const time = { firstMs: this.#firstMs, lastMs: this.#lastMs };
    this.#lines = [];
    this.#bytes = 0;
    this.#lastMs = 0;
    this.#writing = this.#writing
      .then(() => this.#append(text, time))
      .catch((thrown: unknown) => {
        this.#log.warn("calls could not be noted in the trail", { error: messageOf(thrown) });
        // What is half written ends a file: whole frames come before it only.
        const broken = this.#appender;
        this.#appender = undefined;
        return broken?.close().catch(() => {});
      })
      .finally(() => {
        this.#waitingBytes -= bytes;
      });
  }

  async #append(text: string, time: { firstMs: number; lastMs: number }): Promise<void> {
    const block = await compress(text);
    const file = await this.#openFile(time.firstMs);
    const header = frameHeader({ length: block.length, ...time });
    await this.#appender!.write(Buffer.concat([header, block]));
    file.sizeBytes += headerBytes + block.length;
    if (this.#lost > 0) {
      this.#log.warn("calls were not noted in the trail as the disk is slow", { lost: this.#lost });
      this.#lost = 0;
    }
  }

  /** The file that is written to: a new one when there is none, or the last one is full. */
  async #openFile(firstMs: number): Promise<TrailFile> {
    const last = this.#kept.at(-1);
    if (this.#appender && last && last.sizeBytes < limits.trailFileBytes) return last;
    await this.#appender?.sync();
    await this.#appender?.close();
    await this.#trim();
    const after = last ? startOf(last.name) + 1 : 0;
    const name = `${String(Math.max(firstMs, after)).padStart(15, "0")}${ending}`;
    const file = { name, sizeBytes: 0 };
    this.#appender = await this.#files.append(join(this.#folder, name));
    this.#kept.push(file);
    return file;
  }

  async #trim(): Promise<void> {
    const oldest = this.#clock.now() - limits.trailDaysMax * dayMs;
    let bytes = this.#kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (let [first, next] = this.#kept; first; [first, next] = this.#kept) {
      const isTooOld = (next ? startOf(next.name) : this.#clock.now()) < oldest;
      if (!isTooOld && bytes + limits.trailFileBytes <= limits.trailBytesMax) return;
      await this.#files.remove(join(this.#folder, first.name));
      this.#kept.shift();
      bytes -= first.sizeBytes;
    }
  }

  /** Undefined for what cannot be read. */
  async #linesOf(content: Uint8Array, { offset, length }: Frame): Promise<string[] | undefined> {
    try {
      const text = await decompress(content.subarray(offset, offset + length));
      return text.toString().trimEnd().split("\n");
    } catch (thrown) {
      this.#log.warn("a part of the trail cannot be read", { error: messageOf(thrown) });
      return undefined;
    }
  }
}

const ending = ".ndjson.zst";
/** Calls that took long are noted when they end, by when they came. */
const clockSlackMs = 60 * 60_000;

const startOf = (name: string) => Number.parseInt(name, 10);

/** The frames of a file, up to where it is torn. */
function framesOf(content: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at + headerBytes <= content.length;) {
    const frame = frameAt(content.subarray(at), at);
    if (!frame || frame.offset + frame.length > content.length) break;
    frames.push(frame);
    at = frame.offset + frame.length;
  }
  return frames;
}
