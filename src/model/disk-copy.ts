import type { NbdClient } from "#/base/nbd/nbd-client.ts";
import { limits } from "#/base/limits.ts";
import { chunkLengthBytes, diskChunkBytes, type ChunkCodec } from "./disk-chunks.ts";
import type { DiskManifest } from "./volume.ts";

/** Where chunks of a disk go that is read. */
export interface ChunkSink {
  codec: ChunkCodec;
  /** The list of the disk as it was before, all of whose chunks are there. */
  before?: DiskManifest | undefined;
  put(key: string, blob: Buffer): Promise<void>;
  /** 0 to 100. */
  onProgress(percent: number): void;
}

/**
 * Reads all that a disk holds as chunks: stretches that were never written are not read, chunks of zeros are not kept, and
 * of equal chunks one is. Gives the list of them, and the bytes of those that were not known.
 */
export async function readDisk(
  contents: NbdClient,
  { codec, before, put, onProgress }: ChunkSink,
): Promise<Required<Pick<DiskManifest, "chunks" | "digests">> & { newBytes: number }> {
  const { sizeBytes } = contents;
  const count = Math.ceil(sizeBytes / diskChunkBytes);
  const chunks: (string | null)[] = Array.from({ length: count }, () => null);
  const digests = [...chunks];
  const known = knownOf(before);
  const putting = new Map<string, Promise<void>>();
  const told = progressOf(count, onProgress);
  let newBytes = 0;
  const keep = async (number: number) => {
    const lengthBytes = chunkLengthBytes({ sizeBytes, chunkBytes: diskChunkBytes }, number);
    const content = await contents.read(number * diskChunkBytes, lengthBytes);
    if (content.equals(zeros.subarray(0, lengthBytes))) return;
    const digest = (digests[number] = codec.digest(content));
    const same = known.get(digest);
    if (same !== undefined) return void (chunks[number] = same);
    const { key, blob } = await codec.encode(content);
    chunks[number] = key;
    let over = putting.get(key);
    if (!over) {
      newBytes += blob.length;
      over = put(key, blob);
      putting.set(key, over);
    }
    await over;
  };
  const isHeld = await heldChunks(contents, count);
  await inParallel(count, async (number) => {
    if (isHeld[number]) await keep(number);
    told();
  });
  return { chunks, digests, newBytes };
}

/** Chunks by what tells that they are equal: those that are need not be packed to be known. */
function knownOf({ chunks, digests = [] }: Partial<DiskManifest> = {}): Map<string, string> {
  const known = new Map<string, string>();
  for (const [number, digest] of digests.entries()) {
    const key = chunks?.[number];
    if (typeof digest === "string" && typeof key === "string") known.set(digest, key);
  }
  return known;
}

const zeros = Buffer.alloc(diskChunkBytes);

/** Which chunks may hold something else than zeros. */
async function heldChunks(contents: NbdClient, count: number): Promise<Uint8Array> {
  const isHeld = new Uint8Array(count);
  let at = 0;
  for await (const { lengthBytes, isZero } of contents.extents(0, contents.sizeBytes)) {
    const first = Math.floor(at / diskChunkBytes);
    at += lengthBytes;
    if (!isZero) isHeld.fill(1, first, Math.ceil(at / diskChunkBytes));
  }
  return isHeld;
}

/** Writes the chunks of a list to a disk that reads as zeros. */
export async function writeDisk(
  contents: NbdClient,
  manifest: DiskManifest,
  { codec, fetch }: { codec: Pick<ChunkCodec, "decode">; fetch(key: string): Promise<Uint8Array> },
): Promise<void> {
  await inParallel(manifest.chunks.length, async (number) => {
    const key = manifest.chunks[number];
    if (key === null || key === undefined) return;
    const content = await codec.decode(await fetch(key), key, chunkLengthBytes(manifest, number));
    await contents.write(number * manifest.chunkBytes, content);
  });
}

/** Does it for every number below `count`, some at a time, in order. The first that fails ends it, when those under way are over. */
async function inParallel(count: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const hand = async () => {
    while (next < count && !hasFailed) {
      try {
        await work(next++);
      } catch (thrown) {
        hasFailed = true;
        throw thrown;
      }
    }
  };
  const hands = Array.from({ length: limits.diskChunksAtOnce }, hand);
  const failed = (await Promise.allSettled(hands)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/** Calls it with whole percents, as each is reached. */
function progressOf(count: number, onProgress: (percent: number) => void): () => void {
  let done = 0;
  let last = 0;
  return () => {
    const percent = Math.floor((++done / count) * 100);
    if (percent > last) onProgress((last = percent));
  };
}
