import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { SnapshotRecord, SnapshotSpec } from "#/model/volume.ts";
import type { Space } from "#/space/space.ts";

/** Whether an account may make volumes of it. */
export function isUsable(
  { project, spec }: SnapshotRecord,
  by: { project: string; accountId: string },
): boolean {
  return (
    project === by.project ||
    spec.isPublic === true ||
    spec.sharedWith?.includes(by.accountId) === true
  );
}

/**
 * With the same commit it is said what is to go of its bytes: see `OrphanRemoval`. Throws "InvalidSnapshot.InUse" while an image is made
 * of it.
 */
export function deleteSnapshot(space: Space, { name, project, status }: SnapshotRecord): void {
  for (const image of space.all("image")) {
    const { source } = image.spec;
    if (image.status.state === "deregistered") continue;
    if (source.type === "disk" && source.disks.some(({ snapshot }) => snapshot === name))
      throw new AwsError(
        "InvalidSnapshot.InUse",
        400,
        `The snapshot ${name} is currently in use by ${image.name}`,
      );
  }
  const { manifest } = status;
  space.commit((tx) => {
    tx.delete("snapshot", name);
    if (manifest === undefined) return;
    tx.put<"snapshot-removal">({
      kind: "snapshot-removal",
      project,
      name,
      spec: { manifest },
      status: {},
    });
  });
}

/** Another of the same chunks. Throws "IncorrectState" for one that is not completed. */
export function copySnapshot(
  { space, clock, random }: { space: Space; clock: Pick<Clock, "now">; random: Random },
  from: SnapshotRecord,
  asked: Pick<SnapshotSpec, "description" | "isOfImage" | "tags">,
): SnapshotRecord {
  if (from.status.state !== "completed")
    throw new AwsError("IncorrectState", 400, `Snapshot '${from.name}' is ${from.status.state}`);
  const { isPublic: _public, sharedWith: _shared, isOfImage: _of, ...spec } = from.spec;
  return space.commit((tx) =>
    tx.put<"snapshot">({
      kind: "snapshot",
      project: from.project,
      name: resourceId("snap", random),
      spec: { ...spec, ...asked, createdAt: clock.now() },
      status: { ...from.status, newBytes: 0 },
    }),
  ).value;
}

/** Throws "OperationNotPermitted" for one that is encrypted: its key is its project's alone. */
export function shareSnapshot(
  space: Space,
  record: SnapshotRecord,
  change: { isPublic: boolean; sharedWith: readonly string[] },
): void {
  if (record.spec.isEncrypted && (change.isPublic || change.sharedWith.length > 0))
    throw new AwsError(
      "OperationNotPermitted",
      400,
      `The snapshot ${record.name} is encrypted: it cannot be shared.`,
    );
  space.commit((tx) => tx.put<"snapshot">({ ...record, spec: { ...record.spec, ...change } }));
}
