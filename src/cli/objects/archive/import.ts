import { join, resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { briefSize } from "#/model/units.ts";
import type { Load } from "#/sdk/objects/archive/carry.ts";
import { Journal } from "#/sdk/objects/archive/journal.ts";
import {
  manifestName,
  openManifest,
  ownSigningKey,
  parsePublicKey,
  signatureName,
  type ManifestEntry,
} from "#/sdk/objects/archive/manifest.ts";
import { formatObjectName, parseObjectName, type ObjectName } from "#/sdk/objects/place.ts";
import type { ObjectsClient } from "#/sdk/objects/store.ts";
import type { Cli, Done } from "../../verb.ts";
import { countOf } from "../../words.ts";
import { objectsClient } from "../door.ts";
import { asPrefix } from "../sides.ts";
import { carryAll } from "./carrying.ts";
import { signingKeyFile } from "./export.ts";
import { archivePlace, type ArchivePlace } from "./place.ts";

/** Brings what was exported into a bucket: nothing before the manifest's signature was checked, nothing whose digest is another. */
export async function importObjects(cli: Cli, fromWord: string, toWord: string): Promise<Done> {
  const { world, err } = cli.terminal;
  const client = await objectsClient(cli);
  const from = archivePlace(cli, client, fromWord);
  const to = asPrefix(parseObjectName(toWord));
  const { text, signature } = await manifestOf(from);
  const { head, entries } = openManifest(text, signature, await trustedKeys(cli));
  const about = ["import", client.door.endpoint, formatObjectName(to), signature];
  const journal = await Journal.open<{ key: string }>(world, about);
  const done = new Set(journal.done.map(({ key }) => key));
  const failed: { key: string; error?: string }[] = [];
  const loads: Load[] = [];
  for (const entry of entries) {
    if (done.has(entry.key)) continue;
    if (entry.sizeBytes > limits.objectCopyBytesMax)
      failed.push({ key: entry.key, error: "it has more than the 5GiB that one call takes" });
    else loads.push(loadOf(client, from, to, entry));
  }
  const reused = done.size;
  let isDone = false;
  try {
    const mark = from.folder === undefined ? undefined : join(from.folder, manifestName);
    for await (const slice of carryAll(cli, loads, mark)) {
      await journal.add(slice.done.map(({ key }) => ({ key })));
      failed.push(...slice.failed);
    }
    isDone = failed.length === 0;
  } finally {
    await journal.close(isDone);
  }
  for (const { key, error } of failed.slice(0, 20)) err.write(`✗ ${key}: ${error}\n`);
  const good = entries.length - failed.length;
  const into = formatObjectName(to);
  return {
    result: {
      type: "done",
      value: { source: head.source, to: into, objects: good, bytes: head.bytes, reused, failed },
      message: `${countOf(good)} of ${countOf(entries.length)} objects of ${head.source} (${briefSize(head.bytes)}) are in ${into}`,
    },
    exitCode: isDone ? 0 : 1,
  };
}

async function manifestOf(from: ArchivePlace): Promise<{ text: string; signature: string }> {
  const [text, signature] = [await from.read(manifestName), await from.read(signatureName)];
  if (text && signature) return { text: text.toString(), signature: signature.toString() };
  throw new CanopyError(
    "not-found",
    `Cannot import from ${from.text} as there is no ${text ? signatureName : manifestName}`,
    {
      hint: text
        ? "Bring it from where the export was made: without it, nobody can tell whose this is"
        : "Make one there with: canopy objects export s3://BUCKET/PREFIX PLACE",
    },
  );
}

/** This user's own, and those that he names. */
async function trustedKeys(cli: Cli): Promise<string[]> {
  const { world } = cli.terminal;
  const own = await ownSigningKey(world.files, signingKeyFile(cli));
  const named = (cli.options["trust"] as string[] | undefined) ?? [];
  const keys = named.map(async (word) => {
    const bytes = await world.files.read(resolve(world.folder, word));
    return parsePublicKey(bytes ? Buffer.from(bytes).toString() : word);
  });
  return [own.publicKey, ...(await Promise.all(keys))];
}

/** The store itself refuses bytes of another digest, and shows nothing of them. */
function loadOf(
  client: ObjectsClient,
  from: ArchivePlace,
  to: ObjectName,
  { key, sizeBytes, sha256, contentType, metadata, path }: ManifestEntry,
): Load {
  const headers: Record<string, string> = {
    "content-type": contentType,
    "x-amz-checksum-sha256": Buffer.from(sha256, "hex").toString("base64"),
  };
  for (const [name, value] of Object.entries(metadata)) headers[`x-amz-meta-${name}`] = value;
  const name = { bucket: to.bucket, key: `${to.key}${key}` };
  const url = client.presign("PUT", name, limits.archiveSignedMs, headers);
  return { key, sizeBytes, sha256, from: from.endOf(path, "GET"), to: { url, headers } };
}
