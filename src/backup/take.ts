import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Secrets } from "#/access/secrets.ts";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { tarEnd, tarHeader, tarPadding } from "#/base/tar.ts";
import { kinds, type Change, type Kind } from "#/model/record.ts";
import type { Objects } from "#/objects/objects.ts";
import type { Space } from "#/space/space.ts";
import { manifestName, secretsName, type Manifest } from "./manifest.ts";

export interface BackupParts {
  space: Space;
  objects: Objects;
  clock: Clock;
  version: string;
  /** Given only when the secrets are to be in it. */
  secrets?: Secrets | undefined;
}

const compress = promisify(gzip);
const quickly = { level: 1 };

/**
 * A backup of a cloud that works on meanwhile, in pieces. Stopping the world would be simple; instead
 * it takes the live records of one moment, then reads the archive page by page while that changes, and
 * keeps all changes since the moment beside. Applied to what was read, these give the records exactly
 * as they were at the end: a record that changed is in the changes, one that did not was read as it is.
 * Objects come last, so that whatever a record names is there.
 */
export async function* takeBackup(parts: BackupParts): AsyncGenerator<Uint8Array> {
  const { space, objects, clock } = parts;
  const taking = new Taking(clock.now());
  const changes: Change[] = [];
  const stopListening = space.onDurable((batch) => {
    for (const change of batch.changes) changes.push(change);
  });
  const drain = () => changes.splice(0).map((change) => JSON.stringify(change));
  try {
    const { records } = space.snapshot();
    yield* taking.lines("live", inPages(records));
    for (const kind of kinds) {
      for await (const file of taking.lines("archived", archivedOf(space, kind))) {
        yield file;
        yield* taking.lines("changes", [drain()]);
      }
    }
    await space.durable();
    stopListening();
    yield* taking.lines("changes", [drain()]);
    const { sequence, serial, epoch } = space.snapshot();
    for (const project of await objects.projects()) yield* keptObjects(taking, objects, project);
    if (parts.secrets)
      yield* taking.file(secretsName, Buffer.from(`${JSON.stringify(parts.secrets)}\n`));
    const manifest: Manifest = {
      format: "canopy-backup",
      version: 1,
      canopy: parts.version,
      takenAt: new Date(clock.now()).toISOString(),
      sequence,
      serial,
      epoch,
      objects: taking.objects,
      files: taking.files,
    };
    yield* taking.file(manifestName, Buffer.from(`${JSON.stringify(manifest)}\n`));
    yield tarEnd;
  } finally {
    stopListening();
  }
}

function* inPages(records: Iterable<object>): Generator<string[]> {
  let page: string[] = [];
  for (const record of records) {
    page.push(JSON.stringify(record));
    if (page.length < limits.archivePageTasks) continue;
    yield page;
    page = [];
  }
  yield page;
}

/** Ended records of a kind, as they are when their turn comes. */
async function* archivedOf(space: Space, kind: Kind): AsyncGenerator<string[]> {
  let before: string | undefined;
  for (;;) {
    const page = await space.archived(kind, {
      limit: limits.archivePageTasks,
      ...(before === undefined ? {} : { before }),
    });
    yield page.map((record) => JSON.stringify(record));
    if (page.length < limits.archivePageTasks) return;
    before = page.at(-1)!.name;
  }
}

async function* keptObjects(
  taking: Taking,
  objects: Objects,
  project: string,
): AsyncGenerator<Uint8Array> {
  for await (const { key } of objects.list(project)) {
    const found = await objects.get(project, key);
    if (found) yield* taking.object(`objects/${project}/${key}`, found);
  }
}

/** Writes files of a tar one after the other, and notes them for the manifest. */
class Taking {
  readonly files: Manifest["files"] = [];
  objects = 0;
  #modifiedMs: number;
  #numbers = new Map<string, number>();

  constructor(modifiedMs: number) {
    this.#modifiedMs = modifiedMs;
  }

  /** Files of at most about `limits.backupPartBytes` before they are compressed, numbered on from those of the same name before. */
  async *lines(
    name: string,
    pages: Iterable<string[]> | AsyncIterable<string[]>,
  ): AsyncGenerator<Uint8Array> {
    let text = "";
    for await (const page of pages) {
      for (const line of page) text += `${line}\n`;
      if (text.length < limits.backupPartBytes) continue;
      yield* this.#part(name, text);
      text = "";
    }
    if (text !== "") yield* this.#part(name, text);
  }

  async *#part(name: string, text: string): AsyncGenerator<Uint8Array> {
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    const content = await compress(text, quickly);
    yield* this.file(`${name}/${String(number).padStart(6, "0")}.ndjson.gz`, content);
  }

  /** All of it in one piece, so that others may stand between. */
  *file(name: string, content: Uint8Array): Generator<Uint8Array> {
    const sizeBytes = content.byteLength;
    const sha256 = createHash("sha256").update(content).digest("hex");
    this.files.push({ name, sizeBytes, sha256 });
    const header = tarHeader({ name, sizeBytes, modifiedMs: this.#modifiedMs });
    yield Buffer.concat([header, content, tarPadding(sizeBytes)]);
  }

  async *object(
    name: string,
    { sizeBytes, content }: { sizeBytes: number; content: AsyncIterable<Uint8Array> },
  ): AsyncGenerator<Uint8Array> {
    this.objects++;
    yield tarHeader({ name, sizeBytes, modifiedMs: this.#modifiedMs });
    let leftBytes = sizeBytes;
    for await (const piece of content) {
      leftBytes -= piece.byteLength;
      yield piece;
    }
    if (leftBytes !== 0) {
      throw new CanopyError(
        "damaged",
        `Cannot back up ${name} as it must have ${sizeBytes} bytes: ${sizeBytes - leftBytes} were read`,
      );
    }
    yield tarPadding(sizeBytes);
  }
}
