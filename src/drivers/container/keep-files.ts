import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createZstdCompress } from "node:zlib";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Cage } from "#/base/processes.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";
import type { InstanceDriverParts } from "../instance-driver.ts";
import { runCommand } from "../instances/command.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { layerOfUpper } from "../instances/upper-tar.ts";

type Parts = Pick<InstanceDriverParts, "blobs" | "clock" | "files" | "processes">;

/** In the container's folder, while its files are kept; what an earlier life of the agent has left there is written over. */
const changesFile = "changes.tar";
const layerFile = "changes.tar.zst";

/**
 * Keeps the files of a container as blobs of its project: the layers of its image, and what it has changed as one more; all of it as
 * one where the machine has no overlayfs. What runs in `cage` stands still until the changes are copied.
 */
export async function keepFiles(
  parts: Parts,
  of: { folder: string; order: InstanceOrder; cage: Cage | undefined; usesOverlay: boolean },
): Promise<ImageBlob[]> {
  const { files, blobs } = parts;
  const { folder, order, usesOverlay } = of;
  const [changes, layer] = [join(folder, changesFile), join(folder, layerFile)];
  try {
    await standingStill(parts, of, () => copyChanges(parts, of, changes));
    const packed = createZstdCompress();
    const source = layerOfUpper(files.stream(changes), limits.containerOwnerBase);
    pipeline(Readable.from(source), packed, () => {}); // what fails is thrown to who reads
    await files.writeStream(layer, packed as AsyncIterable<Uint8Array>);
    await files.remove(changes);
    const own = await blobs.store(order.project, layer);
    return [...(usesOverlay ? await layersBelow(parts, order) : []), own];
  } finally {
    await files.remove(changes);
    await files.remove(layer);
  }
}

/** Those of its image, as blobs of its own project. */
async function layersBelow(
  { blobs }: Parts,
  { root, project, imageProject }: InstanceOrder,
): Promise<ImageBlob[]> {
  const layers = root.type === "files" ? root.layers : [];
  if (imageProject === project) return [...layers];
  const copied: ImageBlob[] = [];
  for (const { key } of layers)
    copied.push(await blobs.store(project, (await blobs.fetch(imageProject, key)).path));
  return copied;
}

async function standingStill(
  { clock }: Parts,
  { cage, order }: { cage: Cage | undefined; order: InstanceOrder },
  work: () => Promise<void>,
): Promise<void> {
  if (!cage || cage.isEmpty()) return work();
  const latest = clock.monotonicMs() + limits.containerFreezeMs;
  try {
    while (!cage.freeze()) {
      if (clock.monotonicMs() > latest)
        throw new HostingError(
          "Server.InternalError",
          `Cannot keep the files of ${order.instance} as it must stand still meanwhile: it does not; it can be done while it runs (--no-reboot)`,
        );
      await sleep(clock, limits.containerBeginLookMs);
    }
    await work();
  } finally {
    cage.thaw();
  }
}

const tarCommand = (
  "tar --create --format=posix --numeric-owner --sort=name --xattrs --xattrs-include=* --one-file-system " +
  "--warning=no-file-ignored --warning=no-file-changed --warning=no-file-removed"
).split(" ");

/** Throws HostingError "Server.InsufficientVolumeCapacity" on a full disk. */
async function copyChanges(
  { processes }: Parts,
  { folder, cage, usesOverlay }: { folder: string; cage: Cage | undefined; usesOverlay: boolean },
  to: string,
): Promise<void> {
  const from = join(folder, usesOverlay ? "upper" : "copied");
  const said = await runCommand(processes, [
    ...tarCommand,
    `--file=${to}`,
    "--directory",
    from,
    ".",
  ]);
  // 1: something was changed while it was read, as may be where nothing stands still.
  if (said.code === 0 || (said.code === 1 && !cage)) return;
  const isFull = said.errors.includes("No space left");
  throw new HostingError(
    isFull ? "Server.InsufficientVolumeCapacity" : "Server.InternalError",
    `Cannot copy what the container has changed${isFull ? " as the machine's disk is full" : `: ${said.errors.trim().split("\n").slice(0, 3).join("; ")}`}`,
  );
}
