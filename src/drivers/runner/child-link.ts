import { writeSync } from "node:fs";
import { Socket } from "node:net";

/**
 * The runner's end of the channel. It reads as events, but writes at once and waits when the agent is
 * behind: what was written has left, even when the next task never lets the event loop turn again.
 */
const descriptor = 3;
const flushBytes = 64 * 1024;
const flushMs = 50;

const socket = new Socket({ fd: descriptor });
const pause = new Int32Array(new SharedArrayBuffer(4));
let out = "";
let flushedMs = 0;

/** Adds a line; it leaves with the next flush, or now when much or long waits. */
export function say(line: string): void {
  out += line;
  out += "\n";
  if (out.length > flushBytes || performance.now() - flushedMs > flushMs) flush();
}

export function flush(): void {
  flushedMs = performance.now();
  if (out === "") return;
  const bytes = Buffer.from(out);
  out = "";
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN") leave(1);
      Atomics.wait(pause, 0, 0, 1);
    }
  }
}

/** Calls `heard` with each line from the agent; ends the process when the agent has gone. */
export function listen(heard: (lines: string[]) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (lines.length > 0) heard(lines);
  });
  const gone = () => leave(0);
  socket.on("end", gone);
  socket.on("error", gone);
}

/** Ends this process without asking the user's code. */
function leave(code: number): never {
  return (process as unknown as { reallyExit(code: number): never }).reallyExit(code);
}

let isKept = true;

/** Whether the channel alone keeps this process alive. */
export function keepAlive(keep: boolean): void {
  if (keep === isKept) return;
  isKept = keep;
  if (keep) socket.ref();
  else socket.unref();
}
