import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex, Writable } from "node:stream";
import { limits } from "../limits.ts";
import type { Board, Channel } from "../processes.ts";

/** Lines both ways over a stream. A line past its limit closes it: whoever writes that is not to be trusted. */
export function channelOf(stream: Duplex): Channel {
  let rest: string[] = [];
  let restLength = 0;
  const channel: Channel = {
    write: (content) => void (stream.destroyed || stream.write(content)),
    drained: () => drainedOf(stream),
    onLines: () => {},
    closed: new Promise((resolve) => void stream.once("close", resolve)),
  };
  stream.setEncoding("utf8");
  stream.on("error", () => {});
  stream.on("data", (text: string) => {
    if (!text.includes("\n")) {
      rest.push(text);
      restLength += text.length;
      if (restLength > limits.channelLineBytesMax) stream.destroy();
      return;
    }
    const lines = (rest.length === 0 ? text : rest.join("") + text).split("\n");
    const last = lines.pop()!;
    rest = last === "" ? [] : [last];
    restLength = last.length;
    channel.onLines(lines);
  });
  return channel;
}

/** Resolves when what was written has nearly all left, or never will. */
export function drainedOf(stream: Writable): Promise<void> {
  if (!stream.writableNeedDrain || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}

const slots = 8;
const slotBytes = 4;
let boardCount = 0;

/** A file without a name, and the descriptor of it that a child is to inherit. */
export function openBoard(): { board: Board; descriptor: number } {
  const folder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const path = join(folder, `canopy-board-${process.pid}-${++boardCount}`);
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  const bytes = Buffer.alloc(slots * slotBytes);
  writeSync(descriptor, bytes, 0, bytes.length, 0);
  let isOpen = true;
  const board: Board = {
    read(slot) {
      if (isOpen) readSync(descriptor, bytes, 0, slotBytes, slot * slotBytes);
      return bytes.readInt32LE(0);
    },
    write(slot, value) {
      bytes.writeInt32LE(value, 0);
      if (isOpen) writeSync(descriptor, bytes, 0, slotBytes, slot * slotBytes);
    },
    close() {
      if (isOpen) closeSync(descriptor);
      isOpen = false;
    },
  };
  return { board, descriptor };
}
