import { readSync, writeSync } from "node:fs";
import { board } from "./lines.ts";

/**
 * The runner's side of the board (see lines.ts). Two calls of the kernel for each task would cost a
 * small one more than all else, so a runner of many tasks maps the board into its memory, where this
 * Node can: then a mark is a store. Few tasks are not worth what that takes.
 */
const descriptor = 4;
const slotBytes = 4;
const mapAfterTasks = 64;

const cell = Buffer.alloc(slotBytes);
let slots: Int32Array | undefined;
let tasksBegun = 0;

/** Marks a task as begun; false when it was taken back before. */
export function begin(number: number): boolean {
  if (++tasksBegun === mapAfterTasks) slots = mapped();
  const bound = slots ? markInMemory(slots, number) : markByKernel(number);
  return bound === 0 || number <= bound;
}

/** Atomics keep the order: written, then read. */
function markInMemory(shared: Int32Array, number: number): number {
  Atomics.store(shared, board.begun, number);
  return Atomics.load(shared, board.bound);
}

function markByKernel(number: number): number {
  cell.writeInt32LE(number, 0);
  writeSync(descriptor, cell, 0, slotBytes, board.begun * slotBytes);
  readSync(descriptor, cell, 0, slotBytes, board.bound * slotBytes);
  return cell.readInt32LE(0);
}

const pageBytes = 4096n;
const readAndWrite = 1 | 2;
const shared = 1;
const failed = 2n ** 64n - 1n;

/**
 * The board in memory; undefined where that cannot be had. Only where a write and then a read by the
 * kernel, as the agent does, keep their order for memory too: on x64 they do.
 */
function mapped(): Int32Array | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  try {
    const { dlopen, toArrayBuffer } = quietly(() => process.getBuiltinModule("node:ffi"));
    const { functions } = dlopen(null, {
      mmap: { arguments: ["pointer", "u64", "i32", "i32", "i32", "i64"], return: "pointer" },
    });
    const address = functions.mmap(0n, pageBytes, readAndWrite, shared, descriptor, 0n);
    if (address === failed) return undefined;
    return new Int32Array(toArrayBuffer(address, board.slots * slotBytes, false));
  } catch {
    return undefined;
  }
}

/** That FFI is experimental is no news for whoever wrote the task that runs now. */
function quietly<T>(action: () => T): T {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return action();
  } finally {
    process.emitWarning = emitWarning;
  }
}
