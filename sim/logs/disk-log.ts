import { crc32 } from "node:zlib";
import { CanopyError } from "#/base/errors.ts";
import type { Kind, RecordOfKind } from "#/model/record.ts";
import type { Batch, Loaded, SpaceLog } from "#/space/log.ts";
import type { Machine } from "../world/machine.ts";
import type { Life } from "../world/life.ts";
import { LogState, type Told } from "./state.ts";
import { read, write } from "./written.ts";

const path = "/data/log";
const epochPath = "/data/epoch";
const headBytes = 8;

/** Batches that were read from these very bytes before. */
const known = new WeakMap<Uint8Array, Batch>();

/**
 * A log for one control plane over a simulated disk: each batch a piece of one file, its length and
 * checksum before it. What a power cut tore is cut off at the next start; nothing of it was
 * acknowledged.
 */
export class DiskLog implements SpaceLog {
  #machine: Machine;
  #life: Life;
  #state = new LogState();
  #ledger: Told;

  /** `ledger` is told of each batch the moment that it is on the platters. */
  constructor(machine: Machine, life: Life, ledger: Told) {
    this.#machine = machine;
    this.#life = life;
    this.#ledger = ledger;
  }

  async load(): Promise<Loaded> {
    const { disk } = this.#machine;
    const files = disk.of(this.#life);
    if (!(await files.stat(path))) await files.write(path, "");
    await disk.refresh(this.#life, path);
    await disk.sync(this.#life, path);
    const pieces = disk.piecesOf(path) ?? [];
    let kept = 0;
    for (const piece of pieces) {
      if (piece.byteLength > 0) {
        const batch = decode(piece);
        if (batch?.sequence !== this.#state.sequence + 1) break;
        this.#state.take(batch);
        this.#ledger.take(batch);
      }
      kept++;
    }
    if (kept < pieces.length) {
      await disk.truncate(this.#life, path, kept);
      await disk.sync(this.#life, path);
    }
    this.#ledger.reloaded(this.#state.sequence);
    const before = await files.read(epochPath);
    const epoch = Number(before === undefined ? 0 : Buffer.from(before).toString()) + 1;
    await files.write(epochPath, String(epoch));
    this.#ledger.epoch = epoch;
    const { sequence, serial } = this.#state;
    return { sequence, serial, epoch, records: this.#state.records() };
  }

  async append(batch: Batch): Promise<void> {
    const { disk } = this.#machine;
    const piece = encode(batch);
    const kept = disk.piecesOf(path)!.length;
    try {
      await disk.add(this.#life, path, piece);
    } catch (thrown) {
      if ((thrown as { code?: string }).code !== "ENOSPC") throw thrown;
      await disk.truncate(this.#life, path, kept);
      throw new CanopyError("no-space", "Cannot keep changes as the disk is full");
    }
    await disk.sync(this.#life, path);
    const written = decode(piece)!;
    this.#state.take(written);
    this.#ledger.take(written);
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    await this.#look();
    return this.#state.find(kind, names);
  }

  async archived<K extends Kind>(
    kind: K,
    options: Parameters<SpaceLog["archived"]>[1],
  ): Promise<RecordOfKind<K>[]> {
    await this.#look();
    return this.#state.archived(kind, options);
  }

  async read(sequence: number, max: number): Promise<Batch[]> {
    await this.#look();
    return this.#state.read(sequence, max);
  }

  async close(): Promise<void> {}

  #look(): Promise<void> {
    return this.#machine.world.sleep(0.1, this.#life, "look up");
  }
}

function encode(batch: Batch): Uint8Array {
  const body = Buffer.from(write(batch));
  const head = Buffer.alloc(headBytes);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

/** Undefined for bytes that are not a whole batch. */
function decode(piece: Uint8Array): Batch | undefined {
  const seen = known.get(piece);
  if (seen) return seen;
  const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  if (bytes.length < headBytes) return undefined;
  const body = bytes.subarray(headBytes);
  if (bytes.readUInt32LE(0) !== body.length || bytes.readUInt32LE(4) !== crc32(body))
    return undefined;
  const batch = read(body.toString());
  known.set(piece, batch);
  return batch;
}
