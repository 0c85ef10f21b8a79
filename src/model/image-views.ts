import { z } from "zod";
import { instanceKinds } from "./instance-type.ts";
import { blobKey } from "./job-request.ts";

const boot = z.strictObject({
  kernel: blobKey,
  initrd: blobKey.optional(),
  commandLine: z.string().max(2048).default(""),
});

const words = z.array(z.string().max(32_768)).max(1000).default([]);

/** What a container of it runs: OCI's words. */
const run = z.strictObject({
  entrypoint: words,
  command: words,
  env: words,
  folder: z.string().max(4096).default("/"),
  user: z.string().max(256).default(""),
  ports: z.array(z.int().min(1).max(65_535)).max(1000).default([]),
  stopSignal: z.string().max(32).default("SIGTERM"),
});

/** An image to make of blobs that were put: layers of files, lists of a disk's chunks, or a kernel. */
export const imageInput = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9()[\] ./'@_-]{3,128}$/,
      "must have 3 to 128 of letters, digits, ( ) [ ] . / - ' @ _ and spaces",
    ),
  description: z.string().max(255).default(""),
  architecture: z.enum(["x86_64", "arm64"]).default("x86_64"),
  kinds: z.array(z.enum(instanceKinds)).min(1),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  source: z.discriminatedUnion("type", [
    z.strictObject({
      type: z.literal("files"),
      layers: z.array(blobKey).min(1).max(127),
      run,
      boot: boot.optional(),
    }),
    z.strictObject({
      type: z.literal("disk"),
      disks: z
        .array(z.strictObject({ device: z.string().min(1).max(64), manifest: blobKey }))
        .min(1)
        .max(26),
      boot: boot.optional(),
    }),
    z.strictObject({
      type: z.literal("unikernel"),
      kernel: blobKey,
      commandLine: z.string().max(2048).default(""),
    }),
  ]),
});
export type ImageInput = z.input<typeof imageInput>;

/** An image, with what its data takes before it is shared with others. */
export const imageView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  project: z.string(),
  createdAt: z.iso.datetime(),
  architecture: z.enum(["x86_64", "arm64"]),
  kinds: z.array(z.enum(instanceKinds)),
  state: z.enum(["pending", "available", "failed", "deregistered"]),
  reason: z.string().optional(),
  type: z.enum(["files", "disk", "unikernel"]),
  /** Blobs of files and kernels. */
  blobs: z.array(z.object({ key: z.string(), sizeBytes: z.int() })),
  disks: z.array(z.object({ device: z.string(), snapshot: z.string(), sizeBytes: z.int() })),
  madeOf: z.string().optional(),
  isPublic: z.boolean(),
  tags: z.record(z.string(), z.string()),
});
export type ImageView = z.output<typeof imageView>;

/** How far data is gone that somebody has asked to remove. */
export const removalView = z.object({
  freedBytes: z.int(),
  /** Absent while nothing holds it up. */
  waitsFor: z.string().optional(),
});

/** What a deregistered image has left, and nothing else names. */
export const orphanView = z.object({
  image: z.string(),
  name: z.string(),
  snapshots: z.array(z.object({ id: z.string(), sizeBytes: z.int() })),
  blobs: z.array(z.object({ key: z.string(), sizeBytes: z.int() })),
  /** Present while data is being removed: that is not among the snapshots and blobs. */
  removal: removalView.optional(),
});
export type OrphanView = z.output<typeof orphanView>;
