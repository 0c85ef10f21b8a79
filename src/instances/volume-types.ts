import type { VolumeSpec, VolumeType } from "#/model/volume.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

interface VolumeTypeFacts {
  sizeGiB: { min: number; max: number };
  /** What may be asked for; a fixed one when absent. */
  iops?: { min: number; max: number; perGiB: number };
  /** What a volume has when nothing is asked for, by its size in GiB. */
  iopsOf(sizeGiB: number): number;
  bytesPerSecondOf(sizeGiB: number): number;
  bytesPerSecondMax: number;
}

/** As https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html tells them. */
export const volumeTypeFacts: Record<VolumeType, VolumeTypeFacts> = {
  gp3: {
    sizeGiB: { min: 1, max: 16_384 },
    iops: { min: 3000, max: 16_000, perGiB: 500 },
    iopsOf: () => 3000,
    bytesPerSecondOf: () => 125 * MiB,
    bytesPerSecondMax: 1000 * MiB,
  },
  gp2: {
    sizeGiB: { min: 1, max: 16_384 },
    iopsOf: (size) => Math.min(16_000, Math.max(100, 3 * size)),
    bytesPerSecondOf: (size) => (size > 170 ? 250 : 128) * MiB,
    bytesPerSecondMax: 250 * MiB,
  },
  io1: {
    sizeGiB: { min: 4, max: 16_384 },
    iops: { min: 100, max: 32_000, perGiB: 50 },
    iopsOf: () => 100,
    bytesPerSecondOf: () => 500 * MiB,
    bytesPerSecondMax: 500 * MiB,
  },
  io2: {
    sizeGiB: { min: 4, max: 16_384 },
    iops: { min: 100, max: 64_000, perGiB: 500 },
    iopsOf: () => 100,
    bytesPerSecondOf: () => 1000 * MiB,
    bytesPerSecondMax: 1000 * MiB,
  },
  st1: {
    sizeGiB: { min: 125, max: 16_384 },
    iopsOf: () => 500,
    bytesPerSecondOf: (size) => Math.min(500, (40 * size) / 1024) * MiB,
    bytesPerSecondMax: 500 * MiB,
  },
  sc1: {
    sizeGiB: { min: 125, max: 16_384 },
    iopsOf: () => 250,
    bytesPerSecondOf: (size) => Math.min(250, (12 * size) / 1024) * MiB,
    bytesPerSecondMax: 250 * MiB,
  },
  standard: {
    sizeGiB: { min: 1, max: 1024 },
    iopsOf: () => 200,
    bytesPerSecondOf: () => 90 * MiB,
    bytesPerSecondMax: 90 * MiB,
  },
};

/** How fast a volume may be. */
export function rateOf({
  type,
  sizeBytes,
  iops,
  bytesPerSecond,
}: Pick<VolumeSpec, "type" | "sizeBytes" | "iops" | "bytesPerSecond">): {
  iops: number;
  bytesPerSecond: number;
} {
  const facts = volumeTypeFacts[type];
  const sizeGiB = Math.ceil(sizeBytes / GiB);
  return {
    iops: iops ?? facts.iopsOf(sizeGiB),
    bytesPerSecond: Math.floor(bytesPerSecond ?? facts.bytesPerSecondOf(sizeGiB)),
  };
}
