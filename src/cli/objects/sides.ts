import { basename, join, resolve, sep } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import {
  formatObjectName,
  isObjectName,
  parseObjectName,
  type ObjectName,
} from "#/sdk/objects/place.ts";
import type { Cli } from "../verb.ts";

/** One end of a copy. "-" is what comes in, or goes out, by a pipe. */
export type Side =
  | { type: "file"; path: string; word: string }
  | { type: "object"; name: ObjectName; word: string }
  | { type: "pipe" };

export function sideOf({ terminal }: Cli, word: string): Side {
  if (word === "-") return { type: "pipe" };
  if (isObjectName(word)) return { type: "object", name: parseObjectName(word), word };
  return { type: "file", path: resolve(terminal.world.folder, word), word };
}

/** Throws CanopyError "invalid" when neither end is in a bucket. */
export function requireObject(from: Side, to: Side): void {
  if (from.type === "object" || to.type === "object") return;
  throw new CanopyError("invalid", "Cannot tell where to copy as one of both must be in a bucket", {
    hint: "Write it like s3://bucket/key",
  });
}

/** The object that something of that title becomes: below a name that is none yet, or ends with a slash. */
export function objectBelow({ bucket, key }: ObjectName, title: string): ObjectName {
  return { bucket, key: key === "" || key.endsWith("/") ? `${key}${title}` : key };
}

/** The same name as the beginning of keys: with a slash at its end, unless it is the bucket itself. */
export function asPrefix({ bucket, key }: ObjectName): ObjectName {
  return { bucket, key: key === "" || key.endsWith("/") ? key : `${key}/` };
}

/** The file that an object becomes: in a folder when one is there, or is meant. */
export async function fileFor(
  { terminal }: Cli,
  { path, word }: { path: string; word: string },
  { key }: ObjectName,
): Promise<string> {
  const isFolder = word.endsWith("/") || (await terminal.world.files.stat(path))?.isFolder === true;
  return isFolder ? fileBelow(path, basename(key)) : path;
}

/** The file below a folder that a part of a key names. Throws CanopyError "invalid" for one that would lead out of it. */
export function fileBelow(folder: string, path: string): string {
  const file = join(folder, path);
  const isBelow = file.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
  if (isBelow && !path.endsWith("/") && !path.includes("\0") && !path.split("/").includes(".."))
    return file;
  throw new CanopyError(
    "invalid",
    `Cannot write the object '${path}' below ${folder} as its name leads elsewhere`,
    { hint: "Fetch it by itself, under another name: canopy objects cp s3://BUCKET/KEY FILE" },
  );
}

export function wordOf(side: Side): string {
  if (side.type === "pipe") return "-";
  return side.type === "file" ? side.word : formatObjectName(side.name);
}
