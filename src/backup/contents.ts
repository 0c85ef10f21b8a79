import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Secrets } from "#/access/secrets.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { walkTar, type TarEntry } from "#/base/tar.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import {
  digestsPart,
  manifestName,
  manifestSchema,
  objectsFolder,
  secretsName,
  type Digest,
  type Manifest,
} from "./manifest.ts";

const expand = promisify(gunzip);

/** A backup that is whole, opened to be read in any order. */
export class Contents {
  readonly manifest: Manifest;
  #files: Files;
  #path: string;
  #entries: TarEntry[];

  private constructor(files: Files, path: string, entries: TarEntry[], manifest: Manifest) {
    this.#files = files;
    this.#path = path;
    this.#entries = entries;
    this.manifest = manifest;
  }

  /** Throws CanopyError "invalid" when it is no backup, and "damaged" when it is not whole. */
  static async open(files: Files, path: string): Promise<Contents> {
    const entries: TarEntry[] = [];
    for await (const entry of walkTar(files, path))
      if (!entry.name.startsWith(objectsFolder)) entries.push(entry); // of those there may be very many
    const last = entries.at(-1);
    if (last?.name !== manifestName) {
      throw new CanopyError(
        "invalid",
        `Cannot restore ${path} as a backup ends with its ${manifestName}: its last file is '${last?.name ?? ""}'`,
        { hint: "Make one with: canopy backup FILE" },
      );
    }
    const content = await files.read(path, { offset: last.offset, length: last.sizeBytes });
    const parsed = manifestSchema.safeParse(valueOf(Buffer.from(content!).toString()));
    if (!parsed.success) {
      throw new CanopyError(
        "invalid",
        `Cannot restore ${path} as this Canopy reads backups of version 1: ${parsed.error.issues[0]?.message}`,
      );
    }
    const contents = new Contents(files, path, entries, parsed.data);
    await contents.#check();
    return contents;
  }

  /** Every file that the manifest names must be there as it was. */
  async #check(): Promise<void> {
    const found = new Map(this.#entries.map((entry) => [entry.name, entry]));
    for (const { name, sha256 } of this.manifest.files) {
      const entry = found.get(name);
      if (!entry) throw this.#damaged(name, "it is missing");
      const digest = createHash("sha256")
        .update(await this.#read(entry))
        .digest("hex");
      if (digest !== sha256)
        throw this.#damaged(name, `its SHA-256 must be ${sha256}: it is ${digest}`);
    }
    const blobs = this.blobs().length;
    if (blobs !== this.manifest.blobs)
      throw this.#damaged("blobs", `there must be ${this.manifest.blobs}: there are ${blobs}`);
  }

  blobs(): { project: string; key: string; content: AsyncIterable<Uint8Array> }[] {
    return this.#named("blobs/").map(({ name, offset, sizeBytes }) => {
      const [, project = "", key = ""] = name.split("/");
      const content = this.#files.stream(this.#path, { offset, length: sizeBytes });
      return { project, key, content };
    });
  }

  /**
   * Files of the store of objects, in the order in which they came, each to be read before the next. Throws CanopyError "damaged"
   * behind those that are not as they were, and at the end when there are too few.
   */
  async *objects(): AsyncGenerator<{ name: string; content: AsyncIterable<Uint8Array> }> {
    const seen = new Map<string, string>();
    let files = 0;
    for await (const entry of walkTar(this.#files, this.#path)) {
      if (entry.name.startsWith(`${digestsPart}/`)) await this.#compare(entry, seen);
      if (!entry.name.startsWith(objectsFolder)) continue;
      const name = entry.name.slice(objectsFolder.length);
      files++;
      yield { name, content: this.#digested(entry, (sha256) => seen.set(name, sha256)) };
    }
    const wanted = this.manifest.objects?.files ?? 0;
    if (files !== wanted)
      throw this.#damaged("objects", `there must be ${wanted} files: there are ${files}`);
    const [first] = seen.keys();
    if (first !== undefined) throw this.#damaged(first, "its digest is missing");
  }

  async *#digested(
    { offset, sizeBytes }: TarEntry,
    onEnd: (sha256: string) => void,
  ): AsyncGenerator<Uint8Array> {
    const hash = createHash("sha256");
    for await (const piece of this.#files.stream(this.#path, { offset, length: sizeBytes })) {
      hash.update(piece);
      yield piece;
    }
    onEnd(hash.digest("hex"));
  }

  /** Every file of a list must be among those seen, and is not waited for any more. */
  async #compare(list: TarEntry, seen: Map<string, string>): Promise<void> {
    for (const { name, sha256 } of await this.#lines<Digest>(list)) {
      const found = seen.get(name);
      if (found === undefined) throw this.#damaged(name, "it is missing");
      if (found !== sha256)
        throw this.#damaged(name, `its SHA-256 must be ${sha256}: it is ${found}`);
      seen.delete(name);
    }
  }

  /** Those of the cloud that it was taken of, when they were asked for. */
  async secrets(): Promise<Secrets | undefined> {
    const [entry] = this.#named(secretsName);
    if (!entry) return undefined;
    return JSON.parse(Buffer.from(await this.#read(entry)).toString()) as Secrets;
  }

  async *live(): AsyncGenerator<AnyRecord> {
    for (const entry of this.#named("live/")) yield* await this.#lines<AnyRecord>(entry);
  }

  /** Ended tasks in the order in which they were made; others are given to `onOther`, in any. */
  async *archivedTasks(onOther: (record: AnyRecord) => void): AsyncGenerator<AnyRecord> {
    for (const entry of this.#named("archived/").toReversed()) {
      for (const record of (await this.#lines<AnyRecord>(entry)).toReversed()) {
        if (record.kind === "task") yield record;
        else onOther(record);
      }
    }
  }

  async *changes(): AsyncGenerator<Change> {
    for (const entry of this.#named("changes/")) yield* await this.#lines<Change>(entry);
  }

  #named(prefix: string): TarEntry[] {
    return this.#entries.filter(({ name }) => name.startsWith(prefix));
  }

  async #lines<T>(entry: TarEntry): Promise<T[]> {
    const text = (await expand(await this.#read(entry))).toString();
    return JSON.parse(`[${text.trimEnd().replaceAll("\n", ",")}]`) as T[];
  }

  async #read({ offset, sizeBytes }: TarEntry): Promise<Uint8Array> {
    return (await this.#files.read(this.#path, { offset, length: sizeBytes }))!;
  }

  #damaged(name: string, why: string): CanopyError {
    return new CanopyError(
      "damaged",
      `Cannot restore ${this.#path} as its ${name} is damaged: ${why}`,
      {
        hint: "Take another backup",
      },
    );
  }
}

/** What JSON says; undefined of what is none. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
