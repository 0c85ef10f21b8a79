import { dirname, join, normalize } from "node:path";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";

const fileTypes = 0o170000;
const link = 0o120000;
const executable = 0o111;

/**
 * Unpacks a zip archive into a folder, for everyone to read; gives its bytes. A link to a file in it becomes a copy of that. Throws
 * CanopyError "invalid" for what is no archive, reaches out of its folder, or is more than a function may have.
 */
export async function unpack(files: Files, path: string, folder: string): Promise<number> {
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    return await unpackAll(files, zip, folder);
  } catch (thrown) {
    if (thrown instanceof CanopyError) throw thrown;
    throw invalid(messageOf(thrown));
  } finally {
    zip?.close();
  }
}

async function unpackAll(files: Files, zip: ZipFile, folder: string): Promise<number> {
  const { entries, bytes } = await checkedEntries(zip);
  const links = new Map<string, string>();
  const folders = new Set<string>();
  const see = async (path: string) => {
    if (folders.has(path)) return;
    folders.add(path);
    if (path !== folder) await see(dirname(path));
    await files.makeFolder(path);
    await files.setMode(path, 0o755);
  };
  await see(folder);
  for (const entry of entries) {
    const name = checkedName(entry.fileName);
    const target = join(folder, name);
    if (entry.fileName.endsWith("/")) {
      await see(target);
      continue;
    }
    const mode = modeOf(entry);
    const content = await contentOf(zip, entry);
    if ((mode & fileTypes) === link) {
      links.set(target, linked(name, content));
      continue;
    }
    await see(dirname(target));
    await files.write(target, content, {
      durable: false,
      mode: (mode & executable) !== 0 ? 0o755 : 0o644,
    });
  }
  // Each link becomes a file of its own.
  let linkedBytes = 0;
  for (const [target, source] of links) {
    linkedBytes += (await files.stat(join(folder, source)))?.sizeBytes ?? 0;
    if (bytes + linkedBytes > limits.functionUnpackedBytesMax)
      throw invalid(`unpacked it may have ${limits.functionUnpackedBytesMax} bytes: it has more`);
    await copyLinked(files, join(folder, source), target);
  }
  return bytes + linkedBytes;
}

/** Nothing is unpacked of an archive that has a fault. */
async function checkedEntries(zip: ZipFile): Promise<{ entries: Entry[]; bytes: number }> {
  if (zip.entryCount > limits.functionZipEntriesMax)
    throw invalid(`it may have ${limits.functionZipEntriesMax} entries: it has ${zip.entryCount}`);
  let bytes = 0;
  const entries: Entry[] = [];
  for await (const entry of zip.eachEntry()) {
    checkedName(entry.fileName);
    entries.push(entry);
    bytes += entry.uncompressedSize;
    if (bytes > limits.functionUnpackedBytesMax)
      throw invalid(`unpacked it may have ${limits.functionUnpackedBytesMax} bytes: it has more`);
  }
  return { entries, bytes };
}

/** The library has refused names that lead out; one that is a folder and a file, or two, is the archive's own fault. */
function checkedName(name: string): string {
  const normal = normalize(name).replace(/\/$/, "");
  if (normal === ".." || normal.startsWith("../") || normal.startsWith("/") || name.includes("\0"))
    throw invalid(`its names must stay in its folder: '${name}' does not`);
  return normal;
}

/** Zero where it was not packed on Unix. */
function modeOf({ versionMadeBy, externalFileAttributes }: Entry): number {
  return versionMadeBy >> 8 === 3 ? externalFileAttributes >>> 16 : 0;
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** What a link names, from the archive's folder. */
function linked(name: string, content: Uint8Array): string {
  const to = Buffer.from(content.subarray(0, limits.functionZipLinkBytesMax)).toString();
  const normal = normalize(join(dirname(name), to));
  if (to.startsWith("/") || normal === ".." || normal.startsWith("../"))
    throw invalid(`its links must stay in its folder: '${name}' leads to '${to}'`);
  return normal;
}

async function copyLinked(files: Files, source: string, target: string): Promise<void> {
  const found = await files.stat(source);
  if (!found) return; // as a link that leads nowhere
  if (found.isFolder)
    throw invalid("its links must lead to files: one leads to a folder; pack without links");
  await files.makeFolder(dirname(target));
  await files.copy(source, target);
  await files.setMode(target, found.mode & 0o777);
}

function invalid(why: string): CanopyError {
  return new CanopyError("invalid", `Cannot unpack the code of a function: ${why}`);
}
