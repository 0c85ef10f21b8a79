import { z } from "zod";
import { instanceEvents } from "./instance-event.ts";
import { instanceKinds } from "./instance-type.ts";
import { volumeTypes } from "./volume.ts";

const instant = z.iso.datetime();
const tags = z.record(z.string(), z.string());

export const instanceStates = [
  "pending",
  "running",
  "stopping",
  "stopped",
  "shutting-down",
  "terminated",
] as const;

const reason = z.object({
  /** EC2's own: "Client.UserInitiatedShutdown". */
  code: z.string(),
  message: z.string(),
});

/** A volume as an instance has it. */
const diskView = z.object({
  volume: z.string(),
  device: z.string(),
  state: z.enum(["attaching", "attached", "detaching"]),
  deletesOnTermination: z.boolean(),
});

const placementView = z.object({
  zone: z.string().optional(),
  require: z.string().optional(),
  rank: z.string().optional(),
  group: z.object({ title: z.string(), strategy: z.enum(["spread", "cluster"]) }).optional(),
  machine: z.string().optional(),
});

export const instanceView = z.object({
  id: z.string(),
  project: z.string(),
  /** Its tag "Name". */
  name: z.string().optional(),
  image: z.string(),
  type: z.string(),
  kind: z.enum(instanceKinds),
  state: z.enum(instanceStates),
  since: instant,
  launchedAt: instant,
  /** When it began to run last. */
  startedAt: instant.optional(),
  machine: z.string().optional(),
  vpc: z.string(),
  subnet: z.string(),
  privateIp: z.string(),
  groups: z.array(z.string()),
  publicIp: z.string().optional(),
  /** By port of the instance: the port of `publicIp`, where it shares that address with others. */
  ports: z.record(z.string(), z.int()).optional(),
  /** By port of the instance: the port of its machine that is kept for it, whether or not it runs. */
  published: z.record(z.string(), z.int()).optional(),
  /** "full": its VPC's own network. "user": its machine can give it none, so that it is alone, and ports of the machine lead to it. */
  networks: z.enum(["full", "user"]).optional(),
  keyName: z.string().optional(),
  disks: z.array(diskView),
  placement: placementView,
  isSpot: z.boolean(),
  isRecovered: z.boolean(),
  isTerminationProtected: z.boolean(),
  isStopProtected: z.boolean(),
  mayHibernate: z.boolean(),
  isHibernated: z.boolean(),
  /** By the price list: a decimal of the currency. */
  perHour: z.string(),
  /** What it has cost so far, while it ran. */
  spent: z.string(),
  reason: reason.optional(),
  waits: z.string().optional(),
  interruptionAt: instant.optional(),
  /** It is on its way to another machine, running. */
  move: z.object({ migration: z.string(), to: z.string(), since: instant }).optional(),
  /** How it has come to its machine, running, and for how long it stood still. */
  moved: z
    .object({
      migration: z.string(),
      from: z.string(),
      to: z.string(),
      at: instant,
      pauseMs: z.number().optional(),
    })
    .optional(),
  /** It was to go to another machine, and went on where it was. */
  stayed: z
    .object({ migration: z.string(), to: z.string(), at: instant, reason: z.string() })
    .optional(),
  tags,
});
export type InstanceView = z.output<typeof instanceView>;

export const instanceTypeView = z.object({
  name: z.string(),
  kind: z.enum(instanceKinds),
  vcpus: z.int(),
  memoryBytes: z.int(),
  /** What it holds of its machine, in CPUs: it may use more while nobody else wants it. */
  holdsCpus: z.number(),
  /** By the price list: a decimal of the currency. */
  perHour: z.string(),
  currency: z.string().length(3),
  /** How many more of it have room now, on all machines that are connected. */
  room: z.int(),
});
export type InstanceTypeView = z.output<typeof instanceTypeView>;

export const volumeView = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string().optional(),
  state: z.enum(["creating", "available", "in-use", "deleting", "error"]),
  type: z.enum(volumeTypes),
  sizeBytes: z.int(),
  iops: z.int(),
  bytesPerSecond: z.int(),
  isEncrypted: z.boolean(),
  zone: z.string(),
  /** The snapshot that it began as. */
  snapshot: z.string().optional(),
  /** Where its file is; absent while it is nowhere. */
  machine: z.string().optional(),
  storage: z.string().optional(),
  attachment: z
    .object({
      instance: z.string(),
      device: z.string(),
      since: instant,
      state: z.enum(["attaching", "attached", "detaching"]),
      /** Why it is not as it is to be yet. */
      reason: z.string().optional(),
      deletesOnTermination: z.boolean(),
    })
    .optional(),
  createdAt: instant,
  reason: z.string().optional(),
  tags,
});
export type VolumeView = z.output<typeof volumeView>;

export const snapshotView = z.object({
  id: z.string(),
  project: z.string(),
  name: z.string().optional(),
  state: z.enum(["pending", "completed", "error"]),
  /** 0 to 100. */
  progress: z.number(),
  volume: z.string().optional(),
  sizeBytes: z.int(),
  /** What no snapshot of the same volume had before. */
  newBytes: z.int().optional(),
  isEncrypted: z.boolean(),
  description: z.string(),
  createdAt: instant,
  reason: z.string().optional(),
  tags,
});
export type SnapshotView = z.output<typeof snapshotView>;

/** The public half of a key that opens instances. */
export const keyPairView = z.object({
  id: z.string(),
  name: z.string(),
  project: z.string(),
  type: z.enum(["rsa", "ed25519"]),
  fingerprint: z.string(),
  publicKey: z.string(),
  createdAt: instant,
  tags,
});
export type KeyPairView = z.output<typeof keyPairView>;

/** The same as it is told when it is made. */
export const madeKeyPairView = keyPairView.extend({
  /** As OpenSSH has it; absent for one that was imported. */
  privateKey: z.string().optional(),
});
export type MadeKeyPairView = z.output<typeof madeKeyPairView>;
export const evacuatedView = z.object({
  machine: z.string(),
  moving: z.array(z.object({ instance: z.string(), to: z.string() })),
  /** They stop, and are started elsewhere. */
  restarting: z.array(z.string()),
  staying: z.array(z.object({ instance: z.string(), why: z.string() })),
});
export type EvacuatedView = z.output<typeof evacuatedView>;

/** A price of spot instances that began then. */
export const spotPriceView = z.object({
  type: z.string(),
  zone: z.string(),
  since: instant,
  /** A decimal of the currency. */
  perHour: z.string(),
});
export type SpotPriceView = z.output<typeof spotPriceView>;

/** How often spot instances of a type were taken away of late, and how much less they cost. */
export const spotAdviceView = z.object({
  type: z.string(),
  begun: z.int(),
  taken: z.int(),
  /** The share that was taken away; nine times in ten it lies between low and high. Absent where too few have run. */
  frequency: z.object({ likely: z.number(), low: z.number(), high: z.number() }).optional(),
  /** As AWS's advisor has it: "<5%", "5-10%", "10-15%", "15-20%", ">20%"; or "unknown". */
  range: z.string(),
  /** Of the price on demand, in the mean since `pricesSince`: 0.7 is 70 % less. */
  savingShare: z.number().optional(),
  pricesSince: instant.optional(),
  onDemandPerHour: z.string(),
});
export type SpotAdviceView = z.output<typeof spotAdviceView>;

/** Who is told of what happens to instances. */
export const eventSubscriptionView = z.object({
  id: z.string(),
  project: z.string(),
  /** The ARN of a webhook or a queue. */
  to: z.string(),
  events: z.array(z.enum(instanceEvents)),
  /** Of these alone, and of those that have these tags. */
  instances: z.array(z.string()).optional(),
  tags: tags.optional(),
  createdAt: instant,
  /** What it was not told, as too much waited for it: how often, and when last. */
  missed: z.object({ count: z.int(), at: instant }).optional(),
  /** The webhook or the queue was removed: nothing is told. */
  isGone: z.boolean(),
});
export type EventSubscriptionView = z.output<typeof eventSubscriptionView>;

/** Something that costs money and serves nobody, as far as can be seen. */
export const savingView = z.object({
  subject: z.string(),
  rule: z.string(),
  sentence: z.string(),
  /** A decimal of the currency. */
  perMonth: z.string(),
  advice: z.string(),
});
export type SavingView = z.output<typeof savingView>;
