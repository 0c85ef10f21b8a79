import { limits } from "#/base/limits.ts";
import type { World } from "../world.ts";
import { openedKey, type Opening } from "./download.ts";
import { ahead } from "./pieces.ts";
import type { ObjectName } from "./place.ts";
import { envelopeName, formatEnvelope, renamed } from "./sealed/seal.ts";
import type { ObjectHead, ObjectsClient } from "./store.ts";

/**
 * Copies an object on the store's side, in parts where it is too large for one call. Gives its size. The data key of one that is
 * sealed is sealed anew for its new name, for which its master key is needed; `isRaw` copies it as it is.
 */
export async function copyObject(
  client: ObjectsClient,
  { random }: Pick<World, "random">,
  from: ObjectName,
  to: ObjectName,
  opening: Opening,
): Promise<number> {
  const head = await client.head(from);
  const opened = await openedKey(head, from, opening);
  if (opened) {
    const { envelope } = renamed(opened.dataKey, opened.master, random, to);
    head.metadata[envelopeName] = formatEnvelope(envelope);
  }
  const { sizeBytes, etag } = head;
  if (sizeBytes <= limits.objectCopyBytesMax) {
    await client.copy(from, to, etag, opened && headersOf(head));
    return sizeBytes;
  }
  const uploadId = await client.beginUpload(to, headersOf(head));
  const partBytes = Math.max(
    limits.objectPartBytes * 64,
    Math.ceil(sizeBytes / limits.objectPartsMax),
  );
  const ranges = function* () {
    for (let start = 0, number = 1; start < sizeBytes; start += partBytes, number++)
      yield { number, start, end: Math.min(start + partBytes, sizeBytes) };
  };
  try {
    const copied = await Array.fromAsync(
      ahead(ranges(), limits.objectPartsAtOnce, async (range) => ({
        number: range.number,
        etag: await client.copyPart(from, to, { ...range, uploadId, etag }),
      })),
    );
    await client.completeUpload(to, uploadId, copied);
  } catch (thrown) {
    await client.abortUpload(to, uploadId).catch(() => {});
    throw thrown;
  }
  return sizeBytes;
}

const kept = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "expires",
];

/** What is told with an object, to be told with its copy. */
function headersOf({ contentType, metadata, headers }: ObjectHead): Record<string, string> {
  const told: Record<string, string> = { "content-type": contentType };
  for (const name of kept) if (headers[name] !== undefined) told[name] = headers[name];
  for (const [name, value] of Object.entries(metadata)) told[`x-amz-meta-${name}`] = value;
  return told;
}
