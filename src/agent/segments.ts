import { join } from "node:path";
import { messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { jobOf, stepOfTask } from "#/model/task.ts";

/** What one map task gave: in memory, or one file with a place for each partition. */
interface Output {
  bytes: number[];
  partitions: Uint8Array[][] | undefined;
  path: string | undefined;
}

let fileCount = 0;

/**
 * The part of every shuffle that this machine keeps, in memory until limits.shuffleBytesMax, then the
 * oldest on disk. Kept until the job is forgotten; lost with this process, after which its map tasks
 * run again.
 */
export class Segments {
  #host: Pick<Host, "files" | "log">;
  #folder: string;
  #bytesMax: number;
  #outputs = new Map<string, Output>();
  #memoryBytes = 0;
  #spilling: Promise<void> | undefined;

  constructor(
    host: Pick<Host, "files" | "log">,
    folder: string,
    bytesMax: number = limits.shuffleBytesMax,
  ) {
    this.#host = host;
    this.#folder = folder;
    this.#bytesMax = bytesMax;
  }

  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** Keeps what a map task made, in place of an earlier attempt's. Gives the bytes of each partition. */
  keep(task: string, partitions: Uint8Array[][]): number[] {
    this.#drop(task);
    const bytes = partitions.map((pieces) => pieces.reduce((sum, piece) => sum + piece.length, 0));
    this.#outputs.set(task, { bytes, partitions, path: undefined });
    this.#memoryBytes += sumOf(bytes);
    if (this.#memoryBytes > this.#bytesMax) this.#spilling ??= this.#spill();
    return bytes;
  }

  /** Undefined when it is not, or no longer, here. A segment's name is its task's and its partition's number. */
  sizeOf(segment: string): number | undefined {
    return this.#outputs.get(stepOfTask(segment))?.bytes[partitionOf(segment)];
  }

  /** The segment, or a part of it. Throws when it went away meanwhile. */
  async *read(
    segment: string,
    part?: { offset: number; length: number },
  ): AsyncGenerator<Uint8Array> {
    const output = this.#outputs.get(stepOfTask(segment));
    const partition = partitionOf(segment);
    if (!output?.bytes[partition]) return;
    const offset = part?.offset ?? 0;
    const length = Math.min(part?.length ?? Infinity, output.bytes[partition] - offset);
    if (length <= 0) return;
    if (output.partitions) yield* slice(output.partitions[partition]!, offset, length);
    else {
      const start = sumOf(output.bytes.slice(0, partition));
      yield* this.#host.files.stream(output.path!, { offset: start + offset, length });
    }
  }

  forget(job: string): void {
    for (const task of this.#outputs.keys()) if (jobOf(task) === job) this.#drop(task);
  }

  /** Resolves when nothing is on its way to disk. */
  async settled(): Promise<void> {
    await this.#spilling;
  }

  #drop(task: string): void {
    const output = this.#outputs.get(task);
    if (!output) return;
    this.#outputs.delete(task);
    if (output.partitions) this.#memoryBytes -= sumOf(output.bytes);
    if (output.path !== undefined) void this.#host.files.remove(output.path);
  }

  async #spill(): Promise<void> {
    try {
      for (const [task, output] of this.#outputs) {
        if (this.#memoryBytes <= this.#bytesMax) break;
        if (!output.partitions) continue;
        const path = join(this.#folder, `segments-${++fileCount}`);
        await this.#host.files.writeStream(path, piecesOf(output.partitions));
        if (this.#outputs.get(task) !== output) {
          await this.#host.files.remove(path);
          continue;
        }
        output.path = path;
        output.partitions = undefined;
        this.#memoryBytes -= sumOf(output.bytes);
      }
    } catch (thrown) {
      this.#host.log.warn("a shuffle stays in memory as it cannot be written", {
        error: messageOf(thrown),
      });
    } finally {
      this.#spilling = undefined;
    }
  }
}

const sumOf = (numbers: number[]) => numbers.reduce((sum, number) => sum + number, 0);
const partitionOf = (segment: string) => Number(segment.slice(segment.lastIndexOf("/") + 1));

function* slice(pieces: Uint8Array[], offset: number, length: number): Generator<Uint8Array> {
  let skip = offset;
  let left = length;
  for (const piece of pieces) {
    if (left <= 0) return;
    if (skip < piece.length) {
      const part = piece.subarray(skip, skip + left);
      left -= part.length;
      yield part;
    }
    skip = Math.max(0, skip - piece.length);
  }
}

async function* piecesOf(partitions: Uint8Array[][]): AsyncGenerator<Uint8Array> {
  for (const pieces of partitions) yield* pieces;
}
