import { randomUUID } from "node:crypto";
import { closeSync, constants, createReadStream, openSync, readSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  stat,
  statfs,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { limits } from "../limits.ts";
import type { Files } from "../files.ts";

let asideCount = 0;
/** Another process may have had the same id, in a container, and may have left files behind. */
const life = randomUUID();

/** The machine's disk. */
export const nodeFiles: Files = {
  async read(path, part) {
    const file = await open(path).catch(missing);
    if (!file) return undefined;
    try {
      if (!part) return await file.readFile();
      const bytes = new Uint8Array(part.length);
      const { bytesRead } = await file.read(bytes, 0, part.length, part.offset);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  },

  async write(path, content, options) {
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    await writeAside(path, [bytes], options);
  },

  async writeStream(path, source, options) {
    return { sizeBytes: await writeAside(path, source, options) };
  },

  async *stream(path, part) {
    if (part?.length === 0) return;
    if (!part) return yield* createReadStream(path); // without a place to start, a pipe can be read too
    const start = part.offset ?? 0;
    yield* createReadStream(
      path,
      part.length === undefined ? { start } : { start, end: start + part.length - 1 },
    );
  },

  openInMemory(path) {
    const file = openSync(path, constants.O_RDONLY);
    return {
      read: (into, offset) => readSync(file, into, 0, into.length, offset),
      close: () => closeSync(file),
    };
  },

  async append(path) {
    const folder = resolve(dirname(path));
    await makeFolder(folder);
    const file = await open(path, "a");
    let isNamed = false;
    return {
      write: async (content) => void (await file.appendFile(content)),
      async sync() {
        await file.datasync();
        if (isNamed) return;
        await makeDurableFolder(folder);
        await syncFolder(folder);
        isNamed = true;
      },
      close: () => file.close(),
    };
  },

  async list(folder) {
    return (await readdir(folder).catch(missing)) ?? [];
  },

  async stat(path) {
    const found = await stat(path).catch((thrown: NodeJS.ErrnoException) =>
      // A link to itself leads nowhere.
      thrown.code === "ELOOP" ? undefined : missing(thrown),
    );
    return (
      found && {
        sizeBytes: found.size,
        isFolder: found.isDirectory(),
        modifiedMs: found.mtimeMs,
        mode: found.mode & 0o7777,
        identity: `${found.dev} ${found.ino}`,
      }
    );
  },

  async makeFolder(path, options) {
    if (options?.durable) await makeDurableFolder(resolve(path));
    else await makeFolder(path);
  },
  async rename(from, to) {
    await rename(from, to);
    await syncFolder(dirname(to));
  },
  copy: (from, to) => copyFile(from, to, constants.COPYFILE_FICLONE),
  setMode: (path, mode) => chmod(path, mode),
  async touch(path, modifiedMs) {
    const file = await open(path);
    try {
      await file.utimes(modifiedMs / 1000, modifiedMs / 1000);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  setOwner: (path, user, group) => chown(path, user, group),
  remove,

  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

/** Whatever a program has left there: a folder of which it has taken the rights is given them back. */
async function remove(path: string): Promise<void> {
  const all = { recursive: true, force: true };
  try {
    await rm(path, all);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw thrown;
    await openUp(path);
    await rm(path, all);
  }
}

async function openUp(path: string): Promise<void> {
  const found = await lstat(path).catch(missing);
  if (!found?.isDirectory()) return;
  await chmod(path, 0o700);
  for (const name of await readdir(path)) await openUp(join(path, name));
}

/** Writes aside, syncs, renames into place and syncs the folder, or without both; a failure leaves the old file as it was. */
async function writeAside(
  path: string,
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { mode = 0o644, durable = true }: { mode?: number; durable?: boolean } = {},
): Promise<number> {
  const folder = dirname(path);
  await (durable ? makeDurableFolder : makeFolder)(resolve(folder));
  const aside = `${path}.${life}-${++asideCount}.aside`;
  let sizeBytes = 0;
  try {
    const file = await open(aside, "wx", mode);
    try {
      for await (const piece of pieces) {
        await file.writeFile(piece);
        sizeBytes += piece.byteLength;
      }
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (thrown) {
    await rm(aside, { force: true });
    throw thrown;
  }
  if (durable) await syncFolder(folder);
  return sizeBytes;
}

/**
 * A file synced in a folder whose own entry was not is lost with the folder. So the entries of a folder and
 * of all above it are synced: those that are new, and those that this process has not seen to before, as
 * another may have made them and ended before it synced.
 */
async function makeDurableFolder(path: string): Promise<void> {
  const first = await makeFolder(path);
  const seen: string[] = [];
  for (let folder = path, isNew = first !== undefined; isNew || !synced.has(folder);) {
    const parent = dirname(folder);
    if (parent === folder) break;
    await syncFolder(parent).catch((thrown: NodeJS.ErrnoException) => {
      // Where others may not look or write, nothing was made either.
      if (isNew || !untouchable.has(thrown.code)) throw thrown;
    });
    seen.push(folder);
    if (folder === first) isNew = false;
    folder = parent;
  }
  if (synced.size >= limits.syncedFoldersMax) synced.clear();
  for (const folder of seen) synced.add(folder);
}

/** What the sync of a folder fails with that this process may not touch, or on a disk that takes nothing. */
const untouchable = new Set<string | undefined>(["EACCES", "EPERM", "EROFS", "EINVAL"]);

/** Folders whose entries are on disk. */
const synced = new Set<string>();

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  await handle.sync().finally(() => handle.close());
}

function missing(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code === "ENOENT" || thrown.code === "ENOTDIR") return undefined;
  throw thrown;
}

/**
 * Gives the topmost folder that was made, if any. By hand, as Node's own way goes round for ever below a
 * folder that takes none, as /proc.
 */
async function makeFolder(path: string, isAgain = false): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return undefined;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw thrown;
    const parentIsThere = await stat(parent).then(
      () => true,
      () => false,
    );
    // Made by another meanwhile, or one that takes none.
    if (parentIsThere) return isAgain ? Promise.reject(thrown as Error) : makeFolder(path, true);
    const first = await makeFolder(parent);
    return (await makeFolder(path)) === undefined ? first : (first ?? path);
  }
}
