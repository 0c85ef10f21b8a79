import { join, resolve } from "node:path";
import { bytesOf } from "#/base/body.ts";
import { limits } from "#/base/limits.ts";
import type { End } from "#/sdk/objects/archive/carry.ts";
import { readObject } from "#/sdk/objects/download.ts";
import { crc32Of } from "#/sdk/objects/checksums.ts";
import { formatObjectName, isObjectName, parseObjectName } from "#/sdk/objects/place.ts";
import type { ObjectsClient } from "#/sdk/objects/store.ts";
import type { Cli } from "../../verb.ts";
import { asPrefix } from "../sides.ts";

/** Where an export is: a folder, or below a prefix. */
export interface ArchivePlace {
  text: string;
  /** The folder, which machines have to have. */
  folder?: string;
  /** How a task reads, or writes, what is at that path below it. */
  endOf(path: string, method: "GET" | "PUT"): End;
  read(path: string): Promise<Buffer | undefined>;
  write(path: string, text: string): Promise<void>;
}

export function archivePlace({ terminal }: Cli, client: ObjectsClient, word: string): ArchivePlace {
  const { files, folder: here } = terminal.world;
  if (!isObjectName(word)) {
    const folder = resolve(here, word);
    return {
      text: folder,
      folder,
      endOf: (path) => ({ file: join(folder, path) }),
      read: async (path) => {
        const bytes = await files.read(join(folder, path));
        return bytes && Buffer.from(bytes);
      },
      write: (path, text) => files.write(join(folder, path), text),
    };
  }
  const { bucket, key } = asPrefix(parseObjectName(word));
  const nameOf = (path: string) => ({ bucket, key: `${key}${path}` });
  return {
    text: formatObjectName({ bucket, key }),
    endOf: (path, method) => ({
      url: client.presign(method, nameOf(path), limits.archiveSignedMs),
    }),
    read: async (path) => {
      const found = (await client.page(nameOf(path), { max: 1 })).objects[0];
      if (found?.key !== `${key}${path}`) return undefined;
      return bytesOf(readObject(client, nameOf(path)));
    },
    write: async (path, text) => {
      const body = Buffer.from(text);
      await client.put(nameOf(path), body, { "x-amz-checksum-crc32": crc32Of(body) });
    },
  };
}
