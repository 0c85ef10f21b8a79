import type { Secrets } from "#/access/secrets.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { tarEnd } from "#/base/tar.ts";
import { kinds, type Change, type Kind } from "#/model/record.ts";
import type { HeldObjects } from "#/objects/held-objects.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Space } from "#/space/space.ts";
import { manifestName, secretsName, type Manifest } from "./manifest.ts";
import { takeObjects } from "./take-objects.ts";
import { Taking } from "./taking.ts";

export interface BackupParts {
  space: Space;
  blobs: Blobs;
  clock: Clock;
  version: string;
  /** Holds the objects of buckets as they are. Absent where there are none, or they are not to be in it. */
  holdObjects?: (() => HeldObjects) | undefined;
  /** Given only when the secrets are to be in it. */
  secrets?: Secrets | undefined;
}

/**
 * A backup of a cloud that works on meanwhile, in pieces. Stopping the world would be simple; instead
 * it takes the live records of one moment, then reads the archive page by page while that changes, and
 * keeps all changes since the moment beside. Applied to what was read, these give the records exactly
 * as they were at the end: a record that changed is in the changes, one that did not was read as it is.
 * Blobs come after that, so that whatever a record names is there.
 *
 * Objects are held in the turn of the event loop in which the last change is taken: records and objects together are then what a crash
 * at that moment would have left. What was acknowledged is in both; what was on its way between them the next start settles,
 * as it does after a crash. Their bytes come last, and stay where they are until they have come.
 */
export async function* takeBackup(parts: BackupParts): AsyncGenerator<Uint8Array> {
  const { space, blobs, clock } = parts;
  const taking = new Taking(clock.now());
  const changes: Change[] = [];
  const stopListening = space.onDurable((batch) => {
    for (const change of batch.changes) changes.push(change);
  });
  let held: HeldObjects | undefined;
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
    held = parts.holdObjects?.();
    yield* taking.lines("changes", [drain()]);
    const { sequence, serial, epoch } = space.snapshot();
    let kept = 0;
    for (const project of await blobs.projects()) kept += yield* keptBlobs(taking, blobs, project);
    if (parts.secrets)
      yield* taking.file(secretsName, Buffer.from(`${JSON.stringify(parts.secrets)}\n`));
    const objects = held && (yield* takeObjects(taking, held));
    const manifest: Manifest = {
      format: "canopy-backup",
      version: 1,
      canopy: parts.version,
      takenAt: new Date(clock.now()).toISOString(),
      sequence,
      serial,
      epoch,
      blobs: kept,
      ...(objects && { objects }),
      files: taking.files,
    };
    yield* taking.file(manifestName, Buffer.from(`${JSON.stringify(manifest)}\n`));
    yield tarEnd;
  } finally {
    stopListening();
    held?.release();
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

async function* keptBlobs(
  taking: Taking,
  blobs: Blobs,
  project: string,
): AsyncGenerator<Uint8Array, number> {
  let kept = 0;
  for await (const { key } of blobs.list(project)) {
    const found = await blobs.get(project, key);
    if (!found) continue;
    kept++;
    yield* taking.stream(`blobs/${project}/${key}`, found);
  }
  return kept;
}
