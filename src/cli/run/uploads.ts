import { dirname, resolve } from "node:path";
import { Readable } from "node:stream";
import { CanopyError } from "#/base/errors.ts";
import { madeContent, type Upload } from "#/model/upload.ts";
import type { Client } from "#/sdk/client.ts";
import type { World } from "#/sdk/world.ts";

/** Uploads under way at once. */
const uploadsMax = 4;

/** Stores what a request stands on, and puts the keys into it. Throws CanopyError "not-found" with the place that names a missing file. */
export async function storeUploads(
  client: Client,
  uploads: readonly Upload[],
  beside: string,
  { files }: Pick<World, "files">,
): Promise<void> {
  const waiting = [...uploads];
  const storeNext = async () => {
    for (let upload = waiting.shift(); upload; upload = waiting.shift()) {
      const content =
        upload.from === "made"
          ? Readable.from(madeContent(upload.name, upload.sizeBytes))
          : await fileContent(upload, beside, files);
      const { key } = await client.putBlob(content);
      for (const slot of upload.slots) slot.blob = key;
    }
  };
  await Promise.all(Array.from({ length: uploadsMax }, storeNext));
}

async function fileContent(
  upload: Extract<Upload, { from: "file" }>,
  beside: string,
  files: World["files"],
): Promise<AsyncIterable<Uint8Array>> {
  const path = resolve(dirname(beside), upload.path);
  const found = await files.stat(path);
  if (found && !found.isFolder) return files.stream(path);
  throw new CanopyError(
    "not-found",
    `Cannot send ${upload.path} along as ${found ? "it is a folder" : "there is no such file"}: ${path}`,
    {
      place: upload.place,
      hint: "Paths are relative to the file that names them",
    },
  );
}

/** Stores one local file; gives its key, and whether it may be executed. */
export async function storeFile(
  client: Client,
  path: string,
  { files, folder }: Pick<World, "files" | "folder">,
): Promise<{ key: string; isExecutable: boolean }> {
  const file = resolve(folder, path);
  const found = await files.stat(file);
  if (!found || found.isFolder) {
    throw new CanopyError(
      "not-found",
      `Cannot send ${path} along as ${found ? "it is a folder" : "there is no such file"}: ${file}`,
    );
  }
  const { key } = await client.putBlob(files.stream(file));
  return { key, isExecutable: (found.mode & 0o111) !== 0 };
}
