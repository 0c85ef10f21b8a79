import { fdatasync, ftruncate, writev } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { promisify } from "node:util";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Applier } from "./apply.ts";
import type { Catalog } from "./catalog.ts";
import { isFull, noSpace } from "./errors.ts";
import type { Packs } from "./packs.ts";
import { encodeHead, type LogRecord, type Spot } from "./record.ts";

interface Waiting {
  record: LogRecord;
  payload: Uint8Array | undefined;
  resolve(): void;
  reject(thrown: unknown): void;
}

/**
 * Adds records to the packs. All that waits is written at once, and on disk when that write ends (O_DSYNC: one way to a
 * thread and back, where write and fdatasync were two); then it is brought into the index, and only then told. So what
 * anybody sees is on disk.
 */
export class Journal {
  #packs: Packs;
  #catalog: Catalog;
  #applier: Applier;
  #clock: Pick<Clock, "soon">;
  #onBroken: (error: unknown) => void;
  #file: FileHandle;
  #packBytesMax: number;
  #pack: number;
  #at: number;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #broken: unknown;

  constructor(parts: {
    packs: Packs;
    catalog: Catalog;
    applier: Applier;
    clock: Pick<Clock, "soon">;
    onBroken: (error: unknown) => void;
    file: FileHandle;
    /** A pack that is longer gets no more records. */
    packBytesMax: number;
  }) {
    this.#packs = parts.packs;
    this.#catalog = parts.catalog;
    this.#applier = parts.applier;
    this.#clock = parts.clock;
    this.#onBroken = parts.onBroken;
    this.#file = parts.file;
    this.#packBytesMax = parts.packBytesMax;
    ({ pack: this.#pack, at: this.#at } = parts.catalog.position);
  }

  /** The pack that is being added to. */
  get pack(): number {
    return this.#pack;
  }

  /** Resolves when the record is on disk and in the index. Throws AwsError with status 507 when the disk is full. */
  commit(record: LogRecord, payload?: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#broken !== undefined) return reject(this.#broken);
      this.#waiting.push({ record, payload, resolve, reject });
      this.#running ??= this.#start();
    });
  }

  /** What this turn of the event loop brings goes into one batch. */
  async #start(): Promise<void> {
    await new Promise<void>((resolve) => this.#clock.soon(resolve));
    while (this.#waiting.length > 0 && this.#broken === undefined) await this.#turn();
    this.#running = undefined;
  }

  async #turn(): Promise<void> {
    const batch = this.#take();
    try {
      if (this.#at >= this.#packBytesMax) await this.#rotate();
      const spots = await this.#write(batch);
      this.#catalog.begin();
      for (const [place, { record }] of batch.entries()) this.#applier.apply(record, spots[place]!);
      const position = { pack: this.#pack, at: this.#at };
      this.#catalog.reached(position, this.#catalog.lastBatch + 1, batch.length);
      for (const one of batch) one.resolve();
    } catch (thrown) {
      // Only of what was taken back is it said that it was not kept: bytes of it may be removed then.
      const isUndone = isFull(thrown) && (await this.#undo());
      for (const one of batch) one.reject(isUndone ? noSpace(thrown) : thrown);
      if (!isUndone) this.#break(thrown);
    }
  }

  #take(): Waiting[] {
    let [count, bytes] = [0, 0];
    while (count < this.#waiting.length && count < limits.packBatchRecordsMax) {
      bytes += this.#waiting[count]!.payload?.byteLength ?? 0;
      if (count > 0 && bytes > limits.packBatchBytesMax) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Waiting[]): Promise<Spot[]> {
    const number = this.#catalog.lastBatch + 1;
    const pieces: Uint8Array[] = [];
    let at = this.#at;
    const spots = batch.map(({ record, payload }, index): Spot => {
      const place = Math.min(index, 0xff_ff);
      const { head, payloadCrc } = encodeHead(record, payload, { number, place });
      pieces.push(head);
      if (payload && payload.byteLength > 0) pieces.push(payload);
      const length = payload?.byteLength ?? 0;
      const spot = {
        pack: this.#pack,
        at: at + head.byteLength,
        length,
        crc: payloadCrc,
        span: head.byteLength + length,
      };
      at += spot.span;
      return spot;
    });
    await writeAll(this.#file.fd, pieces, this.#at);
    this.#at = at;
    return spots;
  }

  /** Takes back what a write that failed has left. False when that cannot be known: then nothing more may be written. */
  async #undo(): Promise<boolean> {
    try {
      const { pack, at } = this.#catalog.position;
      if (pack !== this.#pack || this.#at !== at) return false; // on disk, and not in the index
      await promisify(ftruncate)(this.#file.fd, at);
      await promisify(fdatasync)(this.#file.fd);
      return true;
    } catch {
      return false;
    }
  }

  async #rotate(): Promise<void> {
    const next = await this.#packs.appendTo(this.#pack + 1);
    await this.#file.close();
    this.#file = next;
    this.#pack++;
    this.#at = 0;
    this.#catalog.begin();
    this.#catalog.reached({ pack: this.#pack, at: 0 }, this.#catalog.lastBatch, 0);
  }

  #break(thrown: unknown): void {
    this.#broken = thrown;
    for (const one of this.#waiting.splice(0)) one.reject(thrown);
    this.#onBroken(thrown);
  }

  /** Waits for what was asked before. */
  async close(): Promise<void> {
    await this.#running;
    this.#broken ??= new Error("the store is closed");
    await this.#file.close();
  }
}

async function writeAll(file: number, pieces: Uint8Array[], at: number): Promise<void> {
  let rest = pieces;
  while (rest.length > 0) {
    const written = await new Promise<number>((resolve, reject) => {
      writev(file, rest, at, (error, count) => (error ? reject(error) : resolve(count)));
    });
    at += written;
    rest = after(rest, written);
  }
}

/** What is left of `pieces` after their first `count` bytes. */
function after(pieces: Uint8Array[], count: number): Uint8Array[] {
  let index = 0;
  while (index < pieces.length && count >= pieces[index]!.byteLength)
    count -= pieces[index++]!.byteLength;
  const rest = pieces.slice(index);
  if (rest[0] && count > 0) rest[0] = rest[0].subarray(count);
  return rest;
}
