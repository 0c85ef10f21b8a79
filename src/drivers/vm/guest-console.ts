import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { consoleFile } from "./machine.ts";

/** The last of what a guest has printed, limits.guestConsoleBytesMax at most. */
export async function consoleTail(files: Files, folder: string): Promise<Uint8Array> {
  const path = consoleFile(folder);
  const recent = await lastOf(files, path);
  if (recent.length >= limits.guestConsoleBytesMax) return recent;
  // The file was cut: see console-shell.ts.
  const before = await lastOf(files, `${path}.before`);
  return Buffer.concat([before, recent]).subarray(-limits.guestConsoleBytesMax);
}

async function lastOf(files: Files, path: string): Promise<Uint8Array> {
  const length = limits.guestConsoleBytesMax;
  const size = (await files.stat(path))?.sizeBytes ?? 0;
  const offset = Math.max(0, size - length);
  return (await files.read(path, { offset, length })) ?? new Uint8Array();
}

/** The words of a kernel that has given up; undefined for one that has not. */
export function panicIn(console: Uint8Array): string | undefined {
  const text = Buffer.from(console).toString("latin1");
  const at = text.lastIndexOf("Kernel panic - not syncing");
  return at < 0 ? undefined : text.slice(at).split(/[\r\n]/, 1)[0];
}
