import type { RecordOf } from "./record.ts";

/**
 * A disk that outlives instances: "vol-0123456789abcdef0". Until it is attached for the first time it is nowhere; from then on it is a file on
 * one machine, or on storage that several machines share.
 */
export type VolumeRecord = RecordOf<"volume", VolumeSpec, VolumeStatus>;

export const volumeTypes = ["gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"] as const;
export type VolumeType = (typeof volumeTypes)[number];

export interface VolumeSpec {
  createdAt: number;
  sizeBytes: number;
  type: VolumeType;
  /** What was asked for; what its type gives else. */
  iops?: number;
  bytesPerSecond?: number;
  isEncrypted: boolean;
  /** The KMS key that seals its own key, and that key, sealed. */
  kmsKeyId?: string;
  sealedKey?: string;
  /** What it begins as; empty when absent. */
  snapshot?: string;
  /** The data of that, so that it does not matter when the snapshot is deleted. */
  origin?: VolumeOrigin;
  zone: string;
  clientToken?: string;
  tags: Readonly<Record<string, string>>;
  /** When it was modified last, and what it was before. */
  modified?: {
    at: number;
    from: Pick<VolumeSpec, "sizeBytes" | "type" | "iops" | "bytesPerSecond">;
  };
  /** Its owner wants it gone. */
  isUnwanted?: true;
}

export interface VolumeOrigin {
  manifest: string;
  /** Whose blobs that is. */
  project: string;
  /** Opens its chunks, where they are sealed. */
  sealedKey?: string;
  sealedFor?: string;
}

export interface VolumeStatus {
  state: "creating" | "available" | "in-use" | "deleting" | "error";
  /** Where its file is; absent while it is nowhere. */
  machine?: string;
  /** The storage that its file is on, when machines share that. */
  storage?: string;
  /** Machines that had its file, which is to go from there. */
  left?: readonly string[];
  /** What holds it, or is to hold it. */
  attachment?: VolumeAttachment;
  /** As large as its file is. */
  grownBytes?: number;
  reason?: string;
}

export interface VolumeAttachment {
  instance: string;
  device: string;
  since: number;
  state: "attaching" | "attached" | "detaching";
  /** Why it is not as it is to be yet. */
  reason?: string;
  deletesOnTermination: boolean;
}

/** What a volume held at one moment: "snap-0123456789abcdef0". Its bytes are blobs of chunks, so that equal chunks are kept once. */
export type SnapshotRecord = RecordOf<"snapshot", SnapshotSpec, SnapshotStatus>;

export interface SnapshotSpec {
  createdAt: number;
  description: string;
  /** Absent for one that was imported. */
  volume?: string;
  /** It was made as a part of an image: nobody has asked for it by itself. */
  isOfImage?: true;
  sizeBytes: number;
  isEncrypted: boolean;
  kmsKeyId?: string;
  /** The key that seals its chunks: of the volume that they were read from, and sealed for that one. */
  sealedKey?: string;
  sealedFor?: string;
  /** Everyone may make volumes of it. */
  isPublic?: boolean;
  /** Accounts that may, beside its own. */
  sharedWith?: readonly string[];
  tags: Readonly<Record<string, string>>;
}

export interface SnapshotStatus {
  state: "pending" | "completed" | "error";
  /** 0 to 100. */
  progress: number;
  /** The blob that lists its chunks: see DiskManifest. */
  manifest?: string;
  /** Bytes of chunks that no snapshot of the same volume had before. */
  newBytes?: number;
  reason?: string;
}

/** What is still to go of a snapshot that was deleted, unless something else names it; named as the snapshot was. */
export type SnapshotRemovalRecord = RecordOf<"snapshot-removal", { manifest: string }, object>;

/** The contents of a disk, as the blob that a snapshot names has it in JSON. */
export interface DiskManifest {
  sizeBytes: number;
  chunkBytes: number;
  /** By number: the blob with the chunk's bytes, zstd; null for one of zeros. The last one may be shorter. */
  chunks: readonly (string | null)[];
  /** By number: what tells equal contents without packing them. See ChunkCodec. */
  digests?: readonly (string | null)[];
  /** They are sealed under the key of the volume that they were read from. */
  isSealed?: boolean;
}
