import type { Blobs } from "#/blobs/blobs.ts";
import { bytesOf } from "#/base/body.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { readManifest } from "#/model/disk-chunks.ts";
import type { ImageBlob, ImageDisk, ImageRecord, ImageSource, ImageSpec } from "#/model/image.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { isKernel, kernelRule } from "#/model/kernel.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { DiskManifest, SnapshotRecord } from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { askForImage, plannedImage, type InstanceImageAsked } from "./image-of-instance.ts";
import type { Volumes } from "./volumes.ts";

type Said = Pick<ImageSpec, "title" | "description" | "architecture" | "kinds" | "tags">;

/** What an image is to be made of; blobs by their keys, disks by the lists of their chunks. */
export type ImageAsked = Said & { source: SourceAsked };

export type SourceAsked =
  | (Omit<FilesSource, "layers" | "boot"> & { layers: readonly string[]; boot?: BootAsked })
  | { type: "disk"; disks: readonly DiskAsked[]; boot?: BootAsked }
  | { type: "unikernel"; kernel: string; commandLine: string };

type FilesSource = Extract<ImageSource, { type: "files" }>;

interface BootAsked {
  kernel: string;
  initrd?: string;
  commandLine: string;
}

interface DiskAsked {
  device: string;
  manifest: string;
}

interface ImageParts {
  space: Space;
  volumes: Pick<Volumes, "snapshotIn">;
  blobs: Pick<Blobs, "get" | "stat">;
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
}

const GiB = 2 ** 30;

/**
 * Images: made of data that was brought, of snapshots, or of instances. One that is deregistered starts nothing any more, and
 * is known for as long as instances of it go on, or its data is there. All is durable when the space is.
 */
export class Images {
  #parts: ImageParts;

  constructor(parts: ImageParts) {
    this.#parts = parts;
  }

  /**
   * Makes an image of data that is there, with a snapshot for each of its disks. Throws "InvalidAMIName.Duplicate",
   * "InvalidParameterValue" where a blob is missing, or is no list of chunks that are there; "Unavailable" when to find that out took so
   * long that what was there first may have gone since.
   */
  async make(project: string, asked: ImageAsked): Promise<ImageRecord> {
    this.#requireFree(project, asked.title);
    const { clock } = this.#parts;
    const lookedAt = clock.now();
    const disks = asked.source.type === "disk" ? asked.source.disks : [];
    const manifests: DiskManifest[] = [];
    for (const { manifest } of disks) manifests.push(await this.#manifest(project, manifest));
    const source = await this.#sourceOf(project, asked.source);
    return this.#parts.space.commit((tx) => {
      this.#requireFree(project, asked.title);
      // What was asked for stays so long.
      if (clock.now() - lookedAt > limits.orphanUntouchedMs) throw tookTooLong(asked.title);
      const made = disks.map(({ device, manifest }, number) => {
        const sizeBytes = Math.ceil(manifests[number]!.sizeBytes / GiB) * GiB;
        const snapshot = this.#snapshot(tx, { project, manifest, sizeBytes, title: asked.title });
        return { device, snapshot: snapshot.name, sizeBytes, deletesOnTermination: true };
      });
      const whole = source.type === "disk" ? { ...source, disks: made } : source;
      return this.#put(tx, project, { ...asked, source: whole }, "available");
    }).value;
  }

  /** Makes an image of snapshots, the first of them its root. Throws "InvalidAMIName.Duplicate", "IncorrectState". */
  register(
    project: string,
    { disks, ...said }: Said & { disks: readonly ImageDisk[] },
  ): ImageRecord {
    this.#requireFree(project, said.title);
    for (const { snapshot } of disks) {
      const found = this.#parts.space.get("snapshot", snapshot);
      if (found?.project !== project)
        throw new AwsError(
          "InvalidSnapshot.NotFound",
          400,
          `The snapshot '${snapshot.slice(0, 100)}' does not exist.`,
        );
      if (found.status.state !== "completed")
        throw new AwsError(
          "IncorrectState",
          400,
          `Snapshot '${found.name}' is ${found.status.state}`,
        );
    }
    return this.#parts.space.commit((tx) =>
      this.#put(tx, project, { ...said, source: { type: "disk", disks } }, "available"),
    ).value;
  }

  /**
   * Makes an image of what an instance holds at this moment: its volumes, or the files that a container has changed. It is available when
   * its machine has kept that. Throws "InvalidAMIName.Duplicate", and what `plannedImage` does.
   */
  create(
    instance: InstanceRecord,
    said: Pick<Said, "title" | "description" | "tags"> & InstanceImageAsked,
  ): ImageRecord {
    return this.#parts.space.commit((tx) => this.createIn(tx, instance, said)).value;
  }

  /** As `create`, in a commit of the caller's. */
  createIn(
    tx: Transaction,
    instance: InstanceRecord,
    said: Pick<Said, "title" | "description" | "tags"> & InstanceImageAsked,
  ): ImageRecord {
    const { title, description, tags, ...asked } = said;
    const { project, name: madeOf } = instance;
    this.#requireFree(project, title);
    const origin = plannedImage(this.#parts, instance);
    const { state, ...made } = askForImage(tx, this.#parts, { instance, origin, asked });
    return this.#put(tx, project, { title, description, tags, madeOf, ...made }, state);
  }

  /**
   * Starts nothing any more. What runs of it goes on, and its data stays. Throws "InvalidAMIID.Unavailable" for one that was
   * deregistered.
   */
  deregister(image: ImageRecord): ImageRecord {
    if (image.status.state === "deregistered") throw unavailable(image.name);
    const { reason: _reason, ...status } = image.status;
    return this.#parts.space.commit((tx) =>
      tx.put<"image">({
        ...image,
        status: { ...status, state: "deregistered", deregisteredAt: this.#parts.clock.now() },
      }),
    ).value;
  }

  /** An image of the project, or one that it may use. Throws "InvalidAMIID.Malformed", "InvalidAMIID.NotFound". */
  find(caller: { project: string; accountId?: string }, name: string): ImageRecord {
    const found = this.#parts.space.get("image", name);
    if (found && mayUse(caller, found)) return found;
    if (!/^ami-[0-9a-f]{8,17}$/.test(name))
      throw new AwsError(
        "InvalidAMIID.Malformed",
        400,
        `Invalid id: "${name.slice(0, 100)}" (expecting "ami-...")`,
      );
    throw new AwsError("InvalidAMIID.NotFound", 400, `The image id '[${name}]' does not exist`);
  }

  /** An image of the project itself. Throws what `find` does. */
  findOwn(project: string, name: string): ImageRecord {
    return this.find({ project }, name);
  }

  /** Those of a project, the oldest first; deregistered ones are not among them. */
  list(project: string): ImageRecord[] {
    return this.#of(project).filter(({ status }) => status.state !== "deregistered");
  }

  #of(project: string): ImageRecord[] {
    return [...this.#parts.space.all("image")].filter((image) => image.project === project);
  }

  #requireFree(project: string, title: string): void {
    for (const { name, spec } of this.list(project))
      if (spec.title === title)
        throw new AwsError(
          "InvalidAMIName.Duplicate",
          400,
          `AMI name ${title} is already in use by AMI ${name}`,
        );
  }

  #put(
    tx: Transaction,
    project: string,
    said: Omit<ImageSpec, "createdAt" | "isPublic" | "sharedWith">,
    state: "pending" | "available",
  ): ImageRecord {
    return tx.put<"image">({
      kind: "image",
      project,
      name: resourceId("ami", this.#parts.random),
      spec: { ...said, createdAt: this.#parts.clock.now(), isPublic: false, sharedWith: [] },
      status: { state },
    });
  }

  #snapshot(
    tx: Transaction,
    of: { project: string; manifest: string; sizeBytes: number; title: string },
  ): SnapshotRecord {
    const { project, manifest, sizeBytes, title } = of;
    return tx.put<"snapshot">({
      kind: "snapshot",
      project,
      name: resourceId("snap", this.#parts.random),
      spec: {
        createdAt: this.#parts.clock.now(),
        description: `Imported for ${title}`,
        isOfImage: true,
        sizeBytes,
        isEncrypted: false,
        tags: {},
      },
      status: { state: "completed", progress: 100, manifest },
    });
  }

  async #sourceOf(project: string, asked: SourceAsked): Promise<ImageSource> {
    const blob = (key: string) => this.#blob(project, key);
    const kernel = (key: string) => this.#kernel(project, key);
    if (asked.type === "unikernel") return { ...asked, kernel: await kernel(asked.kernel) };
    const boot = asked.boot && {
      kernel: await kernel(asked.boot.kernel),
      ...(asked.boot.initrd !== undefined && { initrd: await blob(asked.boot.initrd) }),
      commandLine: asked.boot.commandLine,
    };
    if (asked.type === "disk") return { type: "disk", disks: [], ...(boot && { boot }) };
    const layers: ImageBlob[] = [];
    for (const layer of asked.layers) layers.push(await blob(layer));
    return { type: "files", layers, run: asked.run, ...(boot && { boot }) };
  }

  async #blob(project: string, key: string): Promise<ImageBlob> {
    const found = await this.#parts.blobs.stat(project, key);
    if (found) return { key, sizeBytes: found.sizeBytes };
    throw wrong(`The blob ${key.slice(0, 100)} of it does not exist: put it first.`);
  }

  async #kernel(project: string, key: string): Promise<ImageBlob> {
    const found = await this.#blob(project, key);
    const read = async (offset: number, length: number) => {
      const part = await this.#parts.blobs.get(project, key, { offset, length });
      return bytesOf(part!.content);
    };
    if (await isKernel(read)) return found;
    throw wrong(`The kernel ${key} must be ${kernelRule}: it is none.`);
  }

  /** A list of chunks that are all there. */
  async #manifest(project: string, key: string): Promise<DiskManifest> {
    const { blobs } = this.#parts;
    const { sizeBytes } = await this.#blob(project, key);
    if (sizeBytes > limits.diskManifestBytesMax) throw wrong(`The blob ${key} lists no disk.`);
    const found = await blobs.get(project, key);
    let manifest: DiskManifest;
    try {
      manifest = readManifest(await bytesOf(found!.content));
    } catch (thrown) {
      throw wrong(`The blob ${key} lists no disk: ${(thrown as Error).message}`);
    }
    if (manifest.isSealed) throw wrong("What is sealed under the key of a volume is no image.");
    for (const chunk of new Set(manifest.chunks))
      if (chunk !== null) await this.#blob(project, chunk);
    return manifest;
  }
}

export function mayUse(
  { project, accountId }: { project: string; accountId?: string },
  image: ImageRecord,
): boolean {
  if (image.project === project || image.spec.isPublic) return true;
  return accountId !== undefined && image.spec.sharedWith.includes(accountId);
}

const wrong = (message: string) => new AwsError("InvalidParameterValue", 400, message);

const unavailable = (name: string) =>
  new AwsError("InvalidAMIID.Unavailable", 400, `The image ID '${name}' is no longer available`);

const tookTooLong = (title: string) =>
  new AwsError(
    "Unavailable",
    503,
    `Cannot make the image ${title.slice(0, 128)} as its blobs must be found within ${limits.orphanUntouchedMs} ms: it took longer, and some may be gone`,
    { hint: "Put what is missing, and ask again" },
  );
