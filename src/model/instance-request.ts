import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { volumeTypes } from "./volume.ts";

const word = z.string().min(1).max(255);
const tagsMax = 50;

/** As EC2 bounds them. */
export const tagsRequest = z
  .record(z.string().min(1).max(128), z.string().max(256))
  .refine((tags) => Object.keys(tags).length <= tagsMax, `must be ${tagsMax} at most`)
  .refine(
    (tags) => !Object.keys(tags).some((name) => /^aws:/i.test(name)),
    "may not begin with 'aws:', which is kept for AWS",
  );

/** A volume that is made with an instance, or a change of the image's own disk of that device. */
const diskRequest = z.strictObject({
  device: word,
  /** The image's own disk of that device is left out. */
  isLeftOut: z.boolean().optional(),
  sizeBytes: z.int().min(1).optional(),
  type: z.enum(volumeTypes).optional(),
  iops: z.int().min(1).optional(),
  bytesPerSecond: z.int().min(1).optional(),
  snapshot: word.optional(),
  isEncrypted: z.boolean().optional(),
  deletesOnTermination: z.boolean().optional(),
});

/** "22", "8000-8010", "53/udp". */
const portRequest = z
  .string()
  .regex(/^\d{1,5}(-\d{1,5})?(\/(tcp|udp))?$/, "must be like 22, 8000-8010 or 53/udp");

/** "8080:80". */
const publishRequest = z
  .string()
  .regex(/^\d{1,5}:\d{1,5}$/, "must be MACHINE-PORT:INSTANCE-PORT, like 8080:80");

const placementRequest = z.strictObject({
  zone: word.optional(),
  /** CEL over `machine` and `instance`: whether it may run there. */
  require: z.string().min(1).max(1000).optional(),
  /** "pack", "spread", "load", "energy" or "cheapest"; or CEL that gives a number, the larger the better. */
  rank: z.string().min(1).max(1000).optional(),
  group: z.strictObject({ title: word, strategy: z.enum(["spread", "cluster"]) }).optional(),
  machine: word.optional(),
});

const spotRequest = z.strictObject({
  /** Millionths of the currency an hour; the list price when absent. */
  maxMicrosPerHour: z.int().min(1).max(1e12).optional(),
  /** What is done when the price is over that. What is stopped starts again when the price allows it. */
  onInterruption: z.enum(["terminate", "stop", "hibernate"]).default("terminate"),
});

/** What is launched; what is left out is decided as EC2 decides it. */
export const launchRequest = z.strictObject({
  /** "ami-…", or the title of one of the project's own. */
  image: word,
  type: word.optional(),
  count: z.int().min(1).max(1000).default(1),
  /** Fewer than `count` will do; all of them when absent. */
  min: z.int().min(1).max(1000).optional(),
  /** The tag "Name". */
  name: z.string().min(1).max(256).optional(),
  keyName: word.optional(),
  /** Base64. */
  userData: z
    .string()
    .max(64 * 1024)
    .optional(),
  /** Of an instance profile: whose role it has. */
  profile: word.optional(),
  subnet: word.optional(),
  /** Security groups, by their ids or titles. */
  groups: z.array(word).max(16).optional(),
  /** Open to everyone, by a security group that is made where there is none yet. */
  ports: z.array(portRequest).max(50).optional(),
  /** Ports of its machine that lead to its own, open to everyone. */
  publish: z.array(publishRequest).max(limits.forwardsMax).optional(),
  privateIp: z.ipv4().optional(),
  hasPublicAddress: z.boolean().optional(),
  disks: z.array(diskRequest).max(40).optional(),
  metadata: z
    .strictObject({
      isEnabled: z.boolean().optional(),
      hopLimit: z.int().min(1).max(64).optional(),
      hasTags: z.boolean().optional(),
    })
    .optional(),
  placement: placementRequest.optional(),
  /** At the price of the moment, which it may be taken away by. */
  spot: spotRequest.optional(),
  onShutdown: z.enum(["stop", "terminate"]).optional(),
  isTerminationProtected: z.boolean().optional(),
  isStopProtected: z.boolean().optional(),
  /** When its machine dies it is started again elsewhere, from its volumes. */
  isRecovered: z.boolean().optional(),
  /** It may be stopped so that its memory is kept. */
  mayHibernate: z.boolean().optional(),
  tags: tagsRequest.optional(),
});
export type LaunchRequest = z.output<typeof launchRequest>;
export type LaunchInput = z.input<typeof launchRequest>;

export const volumeRequest = z.strictObject({
  /** That of the snapshot when absent. */
  sizeBytes: z.int().min(1).optional(),
  type: z.enum(volumeTypes).default("gp3"),
  iops: z.int().min(1).optional(),
  bytesPerSecond: z.int().min(1).optional(),
  isEncrypted: z.boolean().default(false),
  snapshot: word.optional(),
  zone: word.optional(),
  name: z.string().min(1).max(256).optional(),
  tags: tagsRequest.optional(),
});
export type VolumeInput = z.input<typeof volumeRequest>;

/** What may be changed of a volume, also while it is in use. */
export const volumeChange = z.strictObject({
  sizeBytes: z.int().min(1).optional(),
  type: z.enum(volumeTypes).optional(),
  iops: z.int().min(1).optional(),
  bytesPerSecond: z.int().min(1).optional(),
});
export type VolumeChange = z.input<typeof volumeChange>;
