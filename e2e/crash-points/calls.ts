import { createReadStream } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";

/** What a process did to a folder, one system call after the other, and what it said meanwhile. */
export type Call =
  | { type: "create" | "make-folder" | "unlink"; path: string }
  | { type: "write"; path: string; /** Undefined for its end. */ offset?: number; data: Buffer }
  | { type: "truncate"; path: string; sizeBytes: number }
  /** Of a file or a folder: what was written before call number `from`, when it was entered, is on disk. */
  | { type: "sync"; path: string; from: number }
  | { type: "rename"; path: string; to: string }
  | { type: "mark"; text: string };

export interface Places {
  /** The folder that stands for the disk. */
  disk: string;
  /** A file elsewhere, in which the process says what it does and was told. */
  marks: string;
}

/** The calls that change files; the last row may not happen, as the model of the disk has no words for them. */
export const tracedCalls =
  "openat,creat,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat," +
  "fallocate,copy_file_range,sendfile,splice,link,linkat,symlink,sync_file_range,msync";

/**
 * Reads what `strace -f -y -xx` recorded, in the order in which calls returned. A write counts from then on;
 * a sync covers only what had been written when it was entered. Throws for a call that it does not know.
 */
export async function readCalls(recording: string, places: Places): Promise<Call[]> {
  const calls: Call[] = [];
  const unfinished = new Map<string, { text: string; from: number }>();
  for await (const line of createInterface({ input: createReadStream(recording, "latin1") })) {
    const [, pid, rest] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    if (pid === undefined || rest === undefined) continue;
    if (rest.endsWith(" <unfinished ...>")) {
      unfinished.set(pid, { text: rest.slice(0, -" <unfinished ...>".length), from: calls.length });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/s.exec(rest);
    const begun = resumed ? unfinished.get(pid) : undefined;
    const text = resumed ? `${begun?.text ?? ""}${resumed[1]}` : rest;
    const call = callOf(text, begun?.from ?? calls.length, places);
    if (call) calls.push(call);
  }
  return calls;
}

function callOf(text: string, from: number, { disk, marks }: Places): Call | undefined {
  const parts = /^(\w+)\((.*)\) += (-?\d+)/s.exec(text);
  if (!parts || parts[3]!.startsWith("-")) return undefined;
  const [, name, args, returned] = parts as unknown as [string, string, string, string];
  // Descriptors are told with their paths, "22<path>"; one whose file was removed has "(deleted)" behind it.
  const opened = /^\d+<([^>]*)>(\(deleted\))?/.exec(args);
  const strings = [...args.matchAll(/"([^"]*)"/g)].map(([, hex]) => bytesOf(hex!));
  const isInside = (path: string) => path === disk || path.startsWith(`${disk}/`);
  const folder = name.endsWith("at") && opened ? String(bytesOf(opened[1]!)) : "/";
  if (opened && opened[2] === undefined && !name.endsWith("at")) {
    const path = String(bytesOf(opened[1]!));
    if (path === marks && name === "write") return { type: "mark", text: String(strings[0]) };
    if (isInside(path)) return ofOpened({ name, path, args, strings, returned, from });
  }
  const [first, second] = strings.map((bytes) => resolve(folder, String(bytes)));
  if (first === undefined || !isInside(first)) return undefined;
  switch (name) {
    case "openat":
      if (args.includes("O_TRUNC") && !args.includes("O_EXCL")) return unknownCall(text);
      return args.includes("O_CREAT") ? { type: "create", path: first } : undefined;
    case "mkdir":
    case "mkdirat":
      return { type: "make-folder", path: first };
    case "unlink":
    case "unlinkat":
    case "rmdir":
      return { type: "unlink", path: first };
    case "rename":
    case "renameat":
    case "renameat2":
      return { type: "rename", path: first, to: second! };
    default:
      return unknownCall(text);
  }
}

function ofOpened(call: {
  name: string;
  path: string;
  args: string;
  strings: Buffer[];
  returned: string;
  from: number;
}): Call | undefined {
  const { name, path, args, strings, returned, from } = call;
  const last = Number(args.slice(args.lastIndexOf(",") + 1));
  const data = Buffer.concat(strings).subarray(0, Number(returned));
  switch (name) {
    case "write":
    case "writev":
      return { type: "write", path, data };
    case "pwrite64":
    case "pwritev":
      return { type: "write", path, data, offset: last };
    case "ftruncate":
      return { type: "truncate", path, sizeBytes: last };
    case "fsync":
    case "fdatasync":
      return { type: "sync", path, from };
    default:
      return unknownCall(`${name} of ${path}`);
  }
}

function unknownCall(text: string): never {
  throw new Error(`Cannot replay a call that the model of the disk does not know: ${text}`);
}

/** strace -xx writes every byte as \xNN. */
function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll("\\x", ""), "hex");
}

/** The folder that a path is an entry of, and its name there. */
export function entryOf(path: string): { folder: string; name: string } {
  return { folder: dirname(path), name: path.slice(path.lastIndexOf("/") + 1) };
}
