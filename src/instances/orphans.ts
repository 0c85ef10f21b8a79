import { AwsError } from "#/model/aws-error.ts";
import { blobsOf, type ImageBlob, type ImageRecord, type ImageRemoval } from "#/model/image.ts";
import { keepTag } from "#/model/saving.ts";
import { counted } from "#/model/units.ts";
import type { SnapshotRecord } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";
import { snapshotsOf } from "./image-of-instance.ts";

/** Data that was of an image which was deregistered, and that nothing else names. */
export interface OrphanedData {
  image: ImageRecord;
  snapshots: readonly SnapshotRecord[];
  blobs: readonly ImageBlob[];
}

type Records = Pick<Space, "all" | "get">;

/**
 * What deregistered images of a project have left, and what of that is being removed: found by looking at all that names data. A snapshot
 * that somebody took by itself, shares or keeps is theirs, whatever images were made of it.
 */
export function orphansOf(space: Records, project: string): OrphanedData[] {
  const images = [...space.all("image")].filter((image) => image.project === project);
  const deregistered = images.filter(({ status }) => status.state === "deregistered");
  if (deregistered.length === 0) return [];
  const needed = neededSnapshots(space);
  const blobs = neededBlobs(space, project);
  return deregistered.flatMap((image) => {
    const going = new Set(image.status.removal?.blobs);
    const left = {
      image,
      snapshots: snapshotsOf(image.spec.source)
        .flatMap((name) => space.get("snapshot", name) ?? [])
        .filter((snapshot) => isOrphan(snapshot) && !needed.has(snapshot.name)),
      blobs: blobsOf(image).filter(({ key }) => !blobs.has(key) && !going.has(key)),
    };
    return isAny(left) || image.status.removal ? [left] : [];
  });
}

export const isAny = ({ snapshots, blobs }: OrphanedData): boolean =>
  snapshots.length + blobs.length > 0;

/** "2 snapshots and 3 files". */
export function wordsOf({ snapshots, blobs }: OrphanedData): string {
  const all = [
    { count: snapshots.length, one: "snapshot" },
    { count: blobs.length, one: "file" },
  ];
  const there = all.filter(({ count }) => count > 0);
  return there.map(({ count, one }) => counted(count, one)).join(" and ");
}

/** What images that may be used, templates and requests name, wherever in them. */
export function neededSnapshots(space: Pick<Space, "all">): Set<string> {
  const images = [...space.all("image")].filter(({ status }) => status.state !== "deregistered");
  const others = [...space.all("launch-template"), ...space.all("spot-request")];
  return new Set([...images, ...others].flatMap(({ spec }) => snapshotsIn(spec)));
}

/** Specs are replaced, never changed: each is read once, however often and for how many projects this is asked. */
const known = new WeakMap<object, readonly string[]>();

function snapshotsIn(spec: object): readonly string[] {
  const before = known.get(spec);
  if (before) return before;
  const names = JSON.stringify(spec).match(/snap-[0-9a-f]+/g) ?? [];
  known.set(spec, names);
  return names;
}

/** Of images that may be used, and of instances that are there: those may be started again. */
function neededBlobs(space: Records, project: string): Set<string> {
  const used = new Set([...space.all("instance")].map(({ spec }) => spec.image));
  const images = [...space.all("image")].filter(
    ({ project: of, name, status }) =>
      of === project && (status.state !== "deregistered" || used.has(name)),
  );
  return new Set(images.flatMap((image) => blobsOf(image).map(({ key }) => key)));
}

function isOrphan({ spec, status }: SnapshotRecord): boolean {
  const isShared = spec.isPublic === true || (spec.sharedWith?.length ?? 0) > 0;
  return (
    spec.isOfImage === true && status.state !== "pending" && !isShared && !(keepTag in spec.tags)
  );
}

/**
 * Removes what an image has left. Its snapshots end with this commit, which also says what is to go of their bytes: that goes after it, by
 * `OrphanRemoval`. Done again it does nothing more. Throws "IncorrectState" for an image that was not deregistered, or has left nothing.
 */
export function removeOrphan(space: Space, name: string): ImageRecord {
  return space.commit((tx) => {
    const image = tx.get("image", name);
    if (image?.status.state !== "deregistered")
      throw refused(name, `the image must be deregistered: it is ${image?.status.state ?? "gone"}`);
    const left = orphansOf(space, image.project).find((one) => one.image.name === name);
    if (!left) throw refused(name, "all that it was made of is gone, or named by something else");
    if (!isAny(left)) return image;
    for (const snapshot of left.snapshots) tx.delete("snapshot", snapshot.name);
    const before = image.status.removal;
    const manifests = left.snapshots.flatMap(({ status }) => status.manifest ?? []);
    const removal: ImageRemoval = {
      manifests: [...new Set([...(before?.manifests ?? []), ...manifests])],
      blobs: [...new Set([...(before?.blobs ?? []), ...left.blobs.map(({ key }) => key)])],
      freedBytes: before?.freedBytes ?? 0,
    };
    return tx.put<"image">({ ...image, status: { ...image.status, removal } });
  }).value;
}

const refused = (name: string, why: string) =>
  new AwsError("IncorrectState", 400, `Cannot remove the data of ${name} as ${why}`, {
    hint: "See what deregistered images have left: canopy images orphans",
  });
