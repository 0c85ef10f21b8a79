import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { briefSize } from "#/model/units.ts";
import { contextsFile } from "#/sdk/contexts.ts";
import type { ListedObject } from "#/sdk/objects/answers.ts";
import type { Load } from "#/sdk/objects/archive/carry.ts";
import { Journal } from "#/sdk/objects/archive/journal.ts";
import {
  fingerprint,
  formatManifest,
  manifestName,
  ownSigningKey,
  pathOfKey,
  signatureName,
  signManifest,
  type ManifestEntry,
} from "#/sdk/objects/archive/manifest.ts";
import { formatObjectName, parseObjectName } from "#/sdk/objects/place.ts";
import type { Cli, Done } from "../../verb.ts";
import { countOf } from "../../words.ts";
import { objectsClient } from "../door.ts";
import { asPrefix } from "../sides.ts";
import { carryAll } from "./carrying.ts";
import { archivePlace } from "./place.ts";

/** Where this user's key for manifests is, made with the first export. */
export function signingKeyFile(cli: Cli): string {
  return join(contextsFile(cli.terminal.world), "..", "manifest-key.pem");
}

/** Brings all objects of a bucket, or below a prefix, elsewhere, with a signed manifest of what they are. */
export async function exportObjects(cli: Cli, fromWord: string, toWord: string): Promise<Done> {
  const { world, err } = cli.terminal;
  const client = await objectsClient(cli);
  const from = asPrefix(parseObjectName(fromWord));
  const source = formatObjectName(from);
  const to = archivePlace(cli, client, toWord);
  const found = await Array.fromAsync(client.objects(from));
  const about = ["export", client.door.endpoint, source, to.text];
  const journal = await Journal.open<ManifestEntry>(world, about);
  const entries = new Map<string, ManifestEntry>();
  const wanted = new Map(found.map((object) => [object.key.slice(from.key.length), object]));
  for (const entry of journal.done)
    if (wanted.get(entry.key)?.etag === entry.etag) entries.set(entry.key, entry);
  const reused = entries.size;
  const failed: { key: string; error?: string }[] = [];
  const loads: Load[] = [];
  for (const [key, { sizeBytes }] of wanted) {
    if (entries.has(key)) continue;
    if (to.folder === undefined && sizeBytes > limits.objectCopyBytesMax) {
      failed.push({
        key,
        error: `it has ${briefSize(sizeBytes)}, and 5GiB is the most that one call takes`,
      });
      continue;
    }
    const name = { bucket: from.bucket, key: `${from.key}${key}` };
    const headers = { "x-amz-checksum-mode": "ENABLED" };
    loads.push({
      key,
      sizeBytes,
      from: { url: client.presign("GET", name, limits.archiveSignedMs, headers), headers },
      to: to.endOf(pathOfKey(key), "PUT"),
    });
  }
  const mark = to.folder === undefined ? undefined : await markIn(cli, to.folder);
  let isDone = false;
  try {
    for await (const slice of carryAll(cli, loads, mark)) {
      const taken = slice.done.map((carried) => entryOf(carried, wanted.get(carried.key)!));
      for (const entry of taken) entries.set(entry.key, entry);
      await journal.add(taken);
      failed.push(...slice.failed);
    }
    isDone = failed.length === 0;
    if (isDone) await signed(cli, to, source, entries);
  } finally {
    await journal.close(isDone);
    if (mark !== undefined) await world.files.remove(mark);
  }
  for (const { key, error } of failed.slice(0, 20)) err.write(`✗ ${key}: ${error}\n`);
  if (!isDone) {
    throw new CanopyError(
      "unavailable",
      `Cannot sign the export as ${countOf(failed.length)} of ${countOf(wanted.size)} objects could not be read or written`,
      {
        hint: "The same command goes on with those",
      },
    );
  }
  const { publicKey } = await ownSigningKey(world.files, signingKeyFile(cli));
  const bytes = found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    type: "done",
    value: { source, to: to.text, objects: entries.size, bytes, reused, publicKey },
    message: `${countOf(entries.size)} objects, ${briefSize(bytes)}, are in ${to.text}; the manifest is signed by ${fingerprint(publicKey)}\n  its public key: ${publicKey}`,
  };
}

async function signed(
  cli: Cli,
  to: ReturnType<typeof archivePlace>,
  source: string,
  entries: ReadonlyMap<string, ManifestEntry>,
): Promise<void> {
  const { world } = cli.terminal;
  const all = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const text = formatManifest({
    head: {
      type: "canopy-objects",
      version: 1,
      source,
      createdAt: new Date(world.clock.now()).toISOString(),
      objects: all.length,
      bytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    },
    entries: all,
  });
  const key = await ownSigningKey(world.files, signingKeyFile(cli));
  await to.write(manifestName, text);
  // Last, so that an export that was cut off is none.
  await to.write(signatureName, signManifest(text, key));
}

function entryOf(
  {
    key,
    sizeBytes,
    sha256,
    contentType,
    metadata,
  }: {
    key: string;
    sizeBytes: number;
    sha256?: string;
    contentType?: string;
    metadata?: Record<string, string>;
  },
  { etag }: ListedObject,
): ManifestEntry {
  return {
    key,
    sizeBytes,
    sha256: sha256!,
    etag,
    contentType: contentType!,
    metadata: metadata!,
    path: pathOfKey(key),
  };
}

/** So that a task knows whether the machine that it runs on has this folder, and not another of its name. */
async function markIn({ terminal }: Cli, folder: string): Promise<string> {
  const mark = join(folder, ".canopy-export");
  await terminal.world.files.write(mark, "");
  return mark;
}
