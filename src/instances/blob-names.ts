import type { Clock } from "#/base/clock.ts";
import { textOf } from "#/base/body.ts";
import { limits } from "#/base/limits.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { blobsOf } from "#/model/image.ts";
import type { AnyRecord, Kind } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";

interface Parts {
  space: Space;
  blobs: Pick<Blobs, "get">;
  clock: Pick<Clock, "soon">;
}

/** Records of these kinds name blobs of their own project, wherever in them. */
const naming = [
  "job",
  "step",
  "task",
  "plan",
  "image",
  "snapshot",
  "volume",
  "function",
  "function-version",
] as const;
/** Of these some have ended, and may be retried, read or used again. */
const archived = ["job", "step", "task", "plan", "memo"] as const;

const isKey = /^[0-9a-f]{64}$/;
const keyPattern = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/**
 * Which of these blobs of a project anything still names. What cannot be told for certain counts as a name: each word of a record that looks
 * like a key. Records change while many are read, so that those which change meanwhile are looked at too.
 *
 * Disks name their chunks by way of lists, which are taken at the beginning: a disk that is new since then has chunks that were put
 * or asked for meanwhile, or that a disk from before has. That holds while no snapshot is under way: see `OrphanRemoval`.
 */
export async function namedOf(
  parts: Parts,
  project: string,
  candidates: ReadonlySet<string>,
): Promise<Set<string>> {
  const { space, blobs, clock } = parts;
  const named = new Set<string>();
  const see = (text: string) => {
    for (const [key] of text.matchAll(keyPattern)) if (candidates.has(key)) named.add(key);
  };
  const seeRecord = (record: AnyRecord) => {
    const isGoing = record.kind === "image" && record.status.removal !== undefined;
    if (record.project === project && !isGoing) see(JSON.stringify(record));
  };
  const unsubscribe = space.onApplied((changes) => {
    for (const { record } of changes) if (isNaming(record.kind)) seeRecord(record);
  });
  try {
    const manifests = [...manifestsOf(space, project), ...requestsOf(space, project)];
    for (const manifest of manifests) see(manifest);
    for (const key of instanceBlobs(space, project)) see(key);
    let count = 0;
    for (const kind of naming)
      for (const record of space.all(kind)) {
        seeRecord(record);
        if (++count % limits.archivePageTasks === 0) await breath(clock);
      }
    for (const manifest of manifests) {
      const found = await blobs.get(project, manifest);
      if (found) see(await textOf(found.content));
    }
    for (const kind of archived)
      for await (const page of archivedOf(space, kind, project)) page.forEach(seeRecord);
    return named;
  } finally {
    unsubscribe();
  }
}

const isNaming = (kind: Kind) => (naming as readonly Kind[]).includes(kind) || kind === "memo";

/** Lists of chunks that snapshots and volumes of anybody name. */
function manifestsOf(space: Pick<Space, "all">, project: string): Set<string> {
  const manifests = new Set<string>();
  for (const { status } of space.all("snapshot"))
    if (status.manifest !== undefined) manifests.add(status.manifest);
  for (const { spec } of space.all("volume"))
    if (spec.origin?.project === project) manifests.add(spec.origin.manifest);
  return manifests;
}

/** What jobs that are planned will be submitted with names their files. */
function requestsOf(space: Pick<Space, "all">, project: string): string[] {
  return [...space.all("plan")].flatMap((plan) =>
    plan.project === project && isKey.test(plan.spec.request) ? plan.spec.request : [],
  );
}

/** Of images that instances of anybody were made of: a stopped one may be started again. */
function* instanceBlobs(space: Pick<Space, "all" | "get">, project: string): Generator<string> {
  for (const { spec } of space.all("instance")) {
    const image = space.get("image", spec.image);
    if (image?.project === project) for (const { key } of blobsOf(image)) yield key;
  }
}

async function* archivedOf(
  space: Space,
  kind: (typeof archived)[number],
  project: string,
): AsyncGenerator<AnyRecord[]> {
  const limit = limits.archivePageTasks;
  for (let before: string | undefined; ;) {
    const page: AnyRecord[] = await space.archived(kind, {
      project,
      limit,
      ...(before !== undefined && { before }),
    });
    yield page;
    if (page.length < limit) return;
    before = page.at(-1)!.name;
  }
}

/** Others have their turn. */
const breath = (clock: Pick<Clock, "soon">) =>
  new Promise<void>((resolve) => clock.soon(() => resolve()));
