import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { sourceOf, type ImageRecord, type ImageSpec } from "#/model/image.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { Space } from "#/space/space.ts";
import { copySnapshot } from "./snapshots.ts";

/** Changes who may use an image, or what it says of itself. */
export function changeImage(
  space: Space,
  image: ImageRecord,
  change: Partial<Pick<ImageSpec, "description" | "isPublic" | "sharedWith">>,
): ImageRecord {
  return space.commit((tx) => tx.put<"image">({ ...image, spec: { ...image.spec, ...change } }))
    .value;
}

/**
 * Another image of the same contents, with snapshots of its own; nobody else may use it yet. Throws "InvalidAMIName.Duplicate",
 * "IncorrectState" for one whose snapshots are not done.
 */
export function copyImage(
  parts: { space: Space; clock: Pick<Clock, "now">; random: Random },
  image: ImageRecord,
  said: Pick<ImageSpec, "title" | "description" | "tags">,
): ImageRecord {
  const { space, clock, random } = parts;
  for (const { project, spec, status, name } of space.all("image"))
    if (project === image.project && spec.title === said.title && status.state !== "deregistered")
      throw new AwsError(
        "InvalidAMIName.Duplicate",
        400,
        `AMI name ${said.title} is already in use by AMI ${name}`,
      );
  const source = sourceOf(image);
  const copied =
    source.type === "disk"
      ? {
          ...source,
          disks: source.disks.map((disk) => {
            const from = space.get("snapshot", disk.snapshot);
            if (!from)
              throw new AwsError(
                "InvalidSnapshot.NotFound",
                400,
                `The snapshot '${disk.snapshot}' does not exist.`,
              );
            const description = `Copied for ${said.title}`;
            const asked = { description, isOfImage: true as const, tags: {} };
            return { ...disk, snapshot: copySnapshot(parts, from, asked).name };
          }),
        }
      : source;
  return space.commit((tx) =>
    tx.put<"image">({
      kind: "image",
      project: image.project,
      name: resourceId("ami", random),
      spec: {
        ...image.spec,
        ...said,
        source: copied,
        createdAt: clock.now(),
        isPublic: false,
        sharedWith: [],
      },
      status: { state: "available" },
    }),
  ).value;
}
