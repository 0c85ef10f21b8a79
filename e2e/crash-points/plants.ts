import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A mistake that the crash points must find: what stands in a file, and what is put in its place. */
export interface Plant {
  what: string;
  file: string;
  from: string;
  to: string;
}

const sqlite = "src/space/logs/sqlite.ts";
const files = "src/base/node/files.ts";

export const plants: readonly Plant[] = [
  {
    what: "the write-ahead log is never synced",
    file: sqlite,
    from: `options.durability !== "normal"`,
    to: `options.durability === "normal"`,
  },
  {
    what: "a large batch is acknowledged while it is being synced",
    file: sqlite,
    from: "await this.#writeAhead?.syncAside()",
    to: "void this.#writeAhead?.syncAside()",
  },
  {
    what: "a small batch is acknowledged before it is synced",
    file: "src/space/logs/sqlite/write-ahead.ts",
    from: "    fdatasyncSync(this.#descriptor);",
    to: "    void this.syncAside();",
  },
  {
    what: "SQLite does not sync around checkpoints",
    file: sqlite,
    from: 'exec("PRAGMA synchronous = NORMAL")',
    to: 'exec("PRAGMA synchronous = OFF")',
  },
  {
    what: "a start gives out its epoch before that is on disk",
    file: sqlite,
    from: "PRAGMA synchronous = FULL;\n        PRAGMA wal_autocheckpoint",
    to: "PRAGMA synchronous = OFF;\n        PRAGMA wal_autocheckpoint",
  },
  {
    what: "the changes of a batch are written in another transaction",
    file: sqlite,
    from: "      addChanges.run(sequence, serial, body);\n      commit.run();",
    to: "      commit.run();\n      addChanges.run(sequence, serial, body);",
  },
  {
    what: "a file is renamed into place before it is synced",
    file: files,
    from: "      if (durable) await file.sync();\n",
    to: "",
  },
  {
    what: "a file's entry in its folder is not synced",
    file: files,
    from: "  if (durable) await syncFolder(folder);\n  return sizeBytes;",
    to: "  return sizeBytes;",
  },
  {
    what: "a blob is kept under the digest of what it begins with",
    file: "src/blobs/files.ts",
    from: 'const key = createHash("sha256").update(content).digest("hex");',
    to: 'const key = createHash("sha256").update(content.subarray(0, 5)).digest("hex");',
  },
  {
    what: "a new folder's entry is not synced",
    file: files,
    from: "isNew = first !== undefined; isNew || !synced.has(folder);",
    to: "isNew = false; isNew;",
  },
];

/** Copies the product into `folder` with a mistake in it, and gives the copy's workload. */
export function plant({ what, file, from, to }: Plant, folder: string): string {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  for (const part of ["src", "e2e/crash-points", "package.json"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2)
    throw new Error(`Cannot plant '${what}' as ${file} must hold it once: '${from}'`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  return join(folder, "e2e/crash-points/workload.ts");
}
