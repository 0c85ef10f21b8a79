import type { OrphanedData } from "#/instances/orphans.ts";
import { blobsOf, type ImageRecord } from "#/model/image.ts";
import { removalView, type ImageView, type OrphanView } from "#/model/image-views.ts";

export function imageViewOf({ name, project, spec, status }: ImageRecord): ImageView {
  const { title, description, createdAt, architecture, kinds, source, madeOf } = spec;
  return {
    id: name,
    name: title,
    description,
    project,
    createdAt: new Date(createdAt).toISOString(),
    architecture,
    kinds: [...kinds],
    state: status.state,
    ...(status.reason !== undefined && { reason: status.reason }),
    type: source.type,
    blobs: blobsOf({ spec, status }),
    disks:
      source.type === "disk"
        ? source.disks.map(({ device, snapshot, sizeBytes }) => ({ device, snapshot, sizeBytes }))
        : [],
    ...(madeOf !== undefined && { madeOf }),
    isPublic: spec.isPublic,
    tags: spec.tags,
  };
}

export const orphanViewOf = ({ image, snapshots, blobs }: OrphanedData): OrphanView => ({
  image: image.name,
  name: image.spec.title,
  snapshots: snapshots.map(({ name, spec }) => ({ id: name, sizeBytes: spec.sizeBytes })),
  blobs: [...blobs],
  ...(image.status.removal && { removal: removalView.parse(image.status.removal) }),
});
