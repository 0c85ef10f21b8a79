import type { InstanceKind } from "./instance-type.ts";
import type { RecordOf } from "./record.ts";

/** What instances are made of: "ami-0123456789abcdef0". Its bytes are blobs. */
export type ImageRecord = RecordOf<"image", ImageSpec, ImageStatus>;

export interface ImageSpec {
  /** Unique in its project. */
  title: string;
  description: string;
  createdAt: number;
  architecture: "x86_64" | "arm64";
  /** As what it can run. */
  kinds: readonly InstanceKind[];
  source: ImageSource;
  /** The instance that it was made of. */
  madeOf?: string;
  /** That is not to stand still while its files are read. */
  noReboot?: true;
  isPublic: boolean;
  /** Accounts that may use it beside its own. */
  sharedWith: readonly string[];
  tags: Readonly<Record<string, string>>;
}

export interface ImageStatus {
  /** Of an image of files that was made of an instance: its layers, once its machine has kept them. */
  layers?: readonly ImageBlob[];
  /** "deregistered": it starts nothing any more; instances of it go on. */
  state: "pending" | "available" | "failed" | "deregistered";
  reason?: string;
  deregisteredAt?: number;
  /** The data that it has left is to go; absent when nobody wants that, or it has gone. */
  removal?: ImageRemoval;
}

/** What is still to go of the data of a deregistered image, unless something else names it. */
export interface ImageRemoval {
  /** Blobs that list the chunks of its disks. One goes after its chunks, so that no crash in between forgets any. */
  manifests: readonly string[];
  /** Blobs of files and kernels. */
  blobs: readonly string[];
  freedBytes: number;
  /** What it waits for. */
  waitsFor?: string;
}

/**
 * What is on it. "files": layers of a file system, each a tar that may be compressed, as OCI has them. "disk": the contents of
 * disks; the first is the root. "unikernel": a kernel that is all there is.
 */
export type ImageSource =
  | { type: "files"; layers: readonly ImageBlob[]; run: ImageRun; boot?: ImageBoot }
  | { type: "disk"; disks: readonly ImageDisk[]; boot?: ImageBoot }
  | { type: "unikernel"; kernel: ImageBlob; commandLine: string };

export interface ImageBlob {
  /** Of the blob, in the image's project. */
  key: string;
  sizeBytes: number;
}

/** What a container of it runs: OCI's words. */
export interface ImageRun {
  entrypoint: readonly string[];
  command: readonly string[];
  env: readonly string[];
  folder: string;
  user: string;
  ports: readonly number[];
  stopSignal: string;
}

/** A kernel to start it with, where the disk has none of its own to be booted. */
export interface ImageBoot {
  kernel: ImageBlob;
  initrd?: ImageBlob;
  /** Beside what the machine type needs. */
  commandLine: string;
}

export interface ImageDisk {
  /** "/dev/sda1" for the root. */
  device: string;
  /** The snapshot that it is a copy of. */
  snapshot: string;
  sizeBytes: number;
  deletesOnTermination: boolean;
}

/** What is on an image: of one that was made of an instance's files, what its machine has kept of them. */
export function sourceOf({ spec, status }: Pick<ImageRecord, "spec" | "status">): ImageSource {
  const { source } = spec;
  return source.type === "files" && status.layers ? { ...source, layers: status.layers } : source;
}

/** Blobs of files and kernels; those of disks are named by their snapshots. */
export function blobsOf(image: Pick<ImageRecord, "spec" | "status">): ImageBlob[] {
  const source = sourceOf(image);
  if (source.type === "unikernel") return [source.kernel];
  const { boot } = source;
  return [
    ...(source.type === "files" ? source.layers : []),
    ...(boot ? [boot.kernel, ...(boot.initrd ? [boot.initrd] : [])] : []),
  ];
}
