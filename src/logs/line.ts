import { limits } from "#/base/limits.ts";
import type { LogLine } from "#/model/wire.ts";

const letters = { stdout: "o", stderr: "e", canopy: "c" } as const;
const streams = { o: "stdout", e: "stderr", c: "canopy" } as const;

/** A line of a log as one line of its file, the task first so that others are skipped without a parse. */
export function encodeLine({ task, at, stream, text }: LogLine): string {
  const cut =
    text.length > limits.logLineBytesMax ? `${text.slice(0, limits.logLineBytesMax)} …` : text;
  return `${JSON.stringify([task, at, letters[stream], cut])}\n`;
}

/** Takes back what `encodeLine` gave. */
export function decodeLine(line: string): LogLine {
  const [task, at, letter, text] = JSON.parse(line) as [
    string,
    number,
    keyof typeof streams,
    string,
  ];
  return { task, at, stream: streams[letter], text };
}

/** True for the task itself, and for any task of it when it is a step. */
export function isOfTask(line: string, task: string): boolean {
  return line.startsWith(`["${task}"`) || line.startsWith(`["${task}/`);
}
