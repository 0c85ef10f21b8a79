import { basename, join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { copyObject } from "#/sdk/objects/copy.ts";
import { download, readObject, type Opening } from "#/sdk/objects/download.ts";
import { formatObjectName, parseObject, type ObjectName } from "#/sdk/objects/place.ts";
import type { MasterKey } from "#/sdk/objects/sealed/keys.ts";
import type { ObjectsClient } from "#/sdk/objects/store.ts";
import { filesBelow } from "#/sdk/objects/sync.ts";
import { upload } from "#/sdk/objects/upload.ts";
import type { Cli, Done } from "../verb.ts";
import { contentTypeOf } from "./content-type.ts";
import { objectsClient } from "./door.ts";
import { openingOf, sealingKey } from "./sealing.ts";
import {
  asPrefix,
  fileBelow,
  fileFor,
  objectBelow,
  requireObject,
  sideOf,
  wordOf,
  type Side,
} from "./sides.ts";
import { doneOf, runTransfers, type Transfer } from "./transfers.ts";

interface CopyOptions {
  recursive?: boolean;
  parallel?: number;
  contentType?: string;
}

/** How things are brought, for cp, mv and sync alike. */
export interface Bringing {
  cli: Cli;
  client: ObjectsClient;
  master: MasterKey | undefined;
  opening: Opening;
  /** What was brought is removed where it was. */
  isMove: boolean;
}

export async function bringing(cli: Cli, isMove: boolean, from: Side, to: Side): Promise<Bringing> {
  const isUpload = from.type !== "object" && to.type === "object";
  const master = isUpload ? await sealingKey(cli) : undefined;
  return { cli, client: await objectsClient(cli), master, opening: openingOf(cli), isMove };
}

export async function copy(
  cli: Cli,
  fromWord: string,
  toWord: string,
  isMove: boolean,
): Promise<Done> {
  const [from, to] = [sideOf(cli, fromWord), sideOf(cli, toWord)];
  requireObject(from, to);
  const how = await bringing(cli, isMove, from, to);
  if (to.type === "pipe") {
    const content = readObject(how.client, parseObject(fromWord), optionsOf(how));
    await cli.terminal.writeData(content);
    return;
  }
  const transfers = await transfersOf(how, from, to);
  const bytes = transfers.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
  const totals = { files: transfers.length, bytes };
  return doneOf(cli, await runTransfers(cli, transfers, totals), isMove ? "moved" : "copied");
}

async function transfersOf(how: Bringing, from: Side, to: Side): Promise<Transfer[]> {
  const { cli, client } = how;
  const isRecursive = (cli.options as CopyOptions).recursive === true;
  const { files } = cli.terminal.world;
  if (from.type === "object" && isRecursive) {
    const prefix = asPrefix(from.name);
    const found = await Array.fromAsync(client.objects(prefix));
    return found
      .filter(({ key }) => !key.endsWith("/"))
      .map(({ key, sizeBytes }) => {
        const name = { bucket: prefix.bucket, key };
        const path = key.slice(prefix.key.length);
        if (to.type === "object")
          return copied(how, name, objectBelow(asPrefix(to.name), path), sizeBytes);
        return downloaded(
          how,
          name,
          () => fileBelow((to as { path: string }).path, path),
          sizeBytes,
        );
      });
  }
  if (from.type === "object") {
    const name = parseObject(from.word);
    const { sizeBytes } = await client.head(name);
    if (to.type === "object")
      return [copied(how, name, objectBelow(to.name, basename(name.key)), sizeBytes)];
    const file = await fileFor(cli, to as { path: string; word: string }, name);
    return [downloaded(how, name, () => file, sizeBytes)];
  }
  const target = (to as { name: ObjectName }).name;
  if (from.type === "pipe") return [uploaded(how, undefined, parseObject(wordOf(to)), undefined)];
  const found = await files.stat(from.path);
  if (!found)
    throw new CanopyError("not-found", `Cannot copy ${from.word} as there is no such file`);
  if (!found.isFolder)
    return [uploaded(how, from.path, objectBelow(target, basename(from.path)), found)];
  if (!isRecursive) {
    throw new CanopyError("invalid", `Cannot copy ${from.word} as it is a folder`, {
      hint: "Copy all that is in it: --recursive; or make the other side like it: canopy objects sync",
    });
  }
  const entries = await Array.fromAsync(filesBelow(files, from.path));
  return entries.map((entry) =>
    uploaded(how, join(from.path, entry.path), objectBelow(asPrefix(target), entry.path), entry),
  );
}

/** Without a file, what comes by the pipe. */
export function uploaded(
  { cli, client, master, isMove }: Bringing,
  file: string | undefined,
  to: ObjectName,
  found: { sizeBytes: number; modifiedMs: number } | undefined,
): Transfer {
  const { terminal } = cli;
  const { world } = terminal;
  const { parallel, contentType } = cli.options as CopyOptions;
  const source =
    file === undefined || !found
      ? { read: () => terminal.readInput() }
      : {
          sizeBytes: found.sizeBytes,
          read: () => world.files.stream(file),
          identity: `${file} ${found.sizeBytes} ${found.modifiedMs}`,
        };
  return {
    from: file ?? "-",
    to: formatObjectName(to),
    sizeBytes: found?.sizeBytes,
    async run(onBytes, signal) {
      const headers = { "content-type": contentType ?? contentTypeOf(to.key) };
      await upload(client, world, to, source, {
        headers,
        onBytes,
        signal,
        ...(master && { master }),
        ...(parallel !== undefined && { partsAtOnce: parallel }),
      });
      if (isMove && file !== undefined) await world.files.remove(file);
    },
  };
}

export function downloaded(
  how: Bringing,
  from: ObjectName,
  fileOf: () => string,
  sizeBytes: number,
): Transfer {
  const { cli, client, isMove } = how;
  return {
    from: formatObjectName(from),
    to: from.key,
    sizeBytes,
    async run(onBytes, signal) {
      const file = fileOf();
      await download(client, cli.terminal.world, from, file, {
        ...optionsOf(how),
        onBytes,
        signal,
      });
      if (isMove) await client.delete(from);
    },
  };
}

export function copied(
  how: Bringing,
  from: ObjectName,
  to: ObjectName,
  sizeBytes: number,
): Transfer {
  const { client, opening } = how;
  return {
    from: formatObjectName(from),
    to: formatObjectName(to),
    sizeBytes,
    async run(onBytes) {
      const { random } = how.cli.terminal.world;
      onBytes(await copyObject(client, { random }, from, to, opening));
      if (how.isMove) await client.delete(from);
    },
  };
}

function optionsOf({ cli, opening }: Bringing) {
  const { parallel } = cli.options as CopyOptions;
  return { ...opening, ...(parallel !== undefined && { partsAtOnce: parallel }) };
}
