import assert from "node:assert/strict";
import type { InstanceTerminal } from "../instance-driver.ts";

/** Reads a terminal until it has printed that, or has ended; gives all that was read. */
export async function seen({ incoming }: InstanceTerminal, what?: RegExp): Promise<string> {
  let text = "";
  while (!what?.test(text)) {
    const { done, value } = await incoming.next();
    if (done) break;
    text += Buffer.from(value).toString();
  }
  if (what) assert.match(text, what);
  return text;
}
