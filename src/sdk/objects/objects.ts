import { resolve } from "node:path";
import { connect, type ConnectOptions } from "../client.ts";
import { thisWorld, type World } from "../world.ts";
import type { ListedObject } from "./answers.ts";
import { findForeignDoor, type ObjectsWish } from "./door.ts";
import { download, readObject, type Downloaded } from "./download.ts";
import { ownDoor } from "./own-door.ts";
import { parseObject, parseObjectName } from "./place.ts";
import { readKey, type MasterKey } from "./sealed/keys.ts";
import { ObjectsClient } from "./store.ts";
import { upload, type Uploaded } from "./upload.ts";

export interface ObjectOptions {
  contentType?: string;
  /** The user's own, told with the object. */
  metadata?: Record<string, string>;
}

/**
 * Objects in buckets, named like "s3://bucket/key", for a program: those of another store that the options name, else of the
 * cloud that they or CANOPY_… name, else of the store that AWS's variables name, else of the cloud that `connect()` would find. Throws what `connect()` throws.
 */
export async function openObjects(options: ConnectOptions & ObjectsWish = {}): Promise<Objects> {
  const world = options.world ?? thisWorld();
  const door =
    (await findForeignDoor(world, options)) ?? (await ownDoor(await connect(options), world));
  return new Objects(new ObjectsClient(door, world), world);
}

export class Objects {
  readonly #client: ObjectsClient;
  readonly #world: World;
  readonly #master: MasterKey | undefined;

  constructor(client: ObjectsClient, world: World, master?: MasterKey) {
    this.#client = client;
    this.#world = world;
    this.#master = master;
  }

  /**
   * The same, sealing what it writes before it leaves, and opening what it reads (what is not sealed, or was under another name, is refused as "damaged"),
   * with the key of a file that `canopy objects keygen` made. Throws CanopyError "not-found", "invalid" or "unauthenticated".
   */
  async sealed(keyFile: string, passphrase?: string): Promise<Objects> {
    const { files, folder } = this.#world;
    const master = await readKey(files, resolve(folder, keyFile), async () => passphrase);
    return new Objects(this.#client, this.#world, master);
  }

  /** All objects whose names begin so, in the order of their bytes. */
  list(name: string): AsyncIterable<ListedObject> {
    return this.#client.objects(parseObjectName(name));
  }

  /** An object as it comes, or its bytes from `start` up to `end` (exclusive), compared with what was written. */
  read(name: string, part: { start?: number; end?: number } = {}): AsyncIterable<Uint8Array> {
    return readObject(this.#client, parseObject(name), { ...part, ...this.#opening() });
  }

  /** Makes an object of bytes, at hand or as they come. It is there when all of it is. */
  write(
    name: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: ObjectOptions = {},
  ): Promise<Uploaded> {
    const isWhole = content instanceof Uint8Array;
    const source = {
      ...(isWhole && { sizeBytes: content.byteLength }),
      read: () => (isWhole ? piecesOf(content) : content),
    };
    return this.#upload(name, source, options);
  }

  /** Makes an object of a file. One that was cut off is gone on with when it is asked for again. */
  async writeFile(name: string, path: string, options: ObjectOptions = {}): Promise<Uploaded> {
    const { files, folder } = this.#world;
    const file = resolve(folder, path);
    const found = await files.stat(file);
    const source = {
      read: () => files.stream(file),
      ...(found && {
        sizeBytes: found.sizeBytes,
        identity: `${file} ${found.sizeBytes} ${found.modifiedMs}`,
      }),
    };
    return this.#upload(name, source, options);
  }

  /** Fetches an object into a file, which is there when all of it is. Goes on with what was cut off. */
  readFile(name: string, path: string): Promise<Downloaded> {
    const file = resolve(this.#world.folder, path);
    return download(this.#client, this.#world, parseObject(name), file, this.#opening());
  }

  remove(name: string): Promise<void> {
    return this.#client.delete(parseObject(name));
  }

  /** An address with which whoever has it may make one call, until it expires: 7 days at most. */
  presign(name: string, expiresMs: number, method: "GET" | "PUT" | "DELETE" = "GET"): string {
    return this.#client.presign(method, parseObject(name), expiresMs);
  }

  #upload(
    name: string,
    source: Parameters<typeof upload>[3],
    { contentType = "application/octet-stream", metadata = {} }: ObjectOptions,
  ): Promise<Uploaded> {
    const headers: Record<string, string> = { "content-type": contentType };
    for (const [one, value] of Object.entries(metadata)) headers[`x-amz-meta-${one}`] = value;
    const master = this.#master && { master: this.#master };
    return upload(this.#client, this.#world, parseObject(name), source, { headers, ...master });
  }

  #opening() {
    const master = this.#master;
    return master ? { keyFor: async () => master } : {};
  }
}

async function* piecesOf(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}
