import { z } from "zod";

/**
 * What each type of site is told. What is optional is unknown when absent, and stays so. The schemas
 * are strict, so that a misspelt price is refused and not left out.
 */
const count = z.int().min(0);
const watts = z.number().min(0).max(1e6);
const duration = count.max(7 * 24 * 60 * 60_000);
const name = z.string().min(1).max(100);
const labels = z.record(name, z.string().max(200));
const capacity = z.strictObject({
  milliCpus: z.int().min(1).max(10_000_000),
  memoryBytes: z
    .int()
    .min(1)
    .max(2 ** 50),
});

/** What a machine costs and draws, where the site itself does not say. */
const rates = {
  microsPerHour: count.optional(),
  idleWatts: watts.optional(),
  peakWatts: watts.optional(),
  pue: z.number().min(1).max(10).optional(),
};
const billing = {
  priceGranularityMs: duration.min(1).default(1000),
  billedMsMin: duration.default(0),
};
const bootMs = z
  .strictObject({ median: duration, p90: duration })
  .refine(({ median, p90 }) => p90 >= median, "must have a p90 that is no less than its median");

/** Of every site. */
const everySite = {
  /** Machines held at once: a bound on what a fault can cost. */
  machinesMax: z.int().min(1).max(100_000).default(4),
  labels: labels.default({}),
  gramsPerKwh: z.number().min(0).max(10_000).optional(),
  /** Where its machines reach this cloud; the cloud's own address when absent. */
  joinUrl: z.url({ protocol: /^https?$/ }).optional(),
};

/** More agent processes on the computer of the control plane. */
const localConfig = z.strictObject({
  type: z.literal("local"),
  ...everySite,
  ...capacity.shape,
  ...rates,
  ...billing,
  /** How long a machine waits before its agent is started, as if it had to boot. */
  bootDelayMs: duration.default(0),
});
export type LocalConfig = z.output<typeof localConfig>;

/** Machines in simulated time: drawn from a seed. */
const simulatedConfig = z.strictObject({
  type: z.literal("simulated"),
  ...everySite,
  seed: count.default(1),
  offers: z
    .array(
      z.strictObject({
        name,
        ...capacity.shape,
        ...rates,
        ...billing,
        labels: labels.default({}),
        zone: z.string().max(100).default(""),
        bootMs,
        /** Absent for machines that are never taken away; those of an offer with a hazard are spot. */
        interruptionsPerHour: z.number().min(0).max(3600).optional(),
        countMax: count.max(100_000).default(100_000),
        /** From each `everyMs` on (of the wall clock) it is sold out for `forMs`, and what is held of it is taken back. */
        soldOut: z
          .strictObject({ everyMs: z.int().min(1000), forMs: z.int().min(1) })
          .refine(({ everyMs, forMs }) => forMs < everyMs, "must last for less than it comes")
          .optional(),
      }),
    )
    .min(1)
    .max(1000)
    .refine((offers) => new Set(offers.map((one) => one.name)).size === offers.length, {
      error: "must name each offer once",
    }),
});
export type SimulatedConfig = z.output<typeof simulatedConfig>;

const sshHost = z.strictObject({
  /** As ssh is told: a name of its configuration, a host name or an address. */
  address: z.string().regex(/^[^\s-][^\s]*$/, "must be a host as ssh is told it"),
  user: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^\s-@][^\s@]*$/)
    .optional(),
  port: z.int().min(1).max(65_535).optional(),
  /** Of what the host has, when it is not all of it. */
  capacity: capacity.partial().default({}),
  labels: labels.default({}),
  /** Shell lines: it sleeps by the one while it holds no machine, and is woken by the other, on the control plane's computer. */
  power: z
    .strictObject({ sleep: z.string().min(1).max(1000), wake: z.string().min(1).max(1000) })
    .optional(),
  ...rates,
});

export type SshHost = z.output<typeof sshHost>;

/** Hosts that are reached by ssh. Each gives one machine. */
const sshConfig = z.strictObject({
  type: z.literal("ssh"),
  ...everySite,
  machinesMax: everySite.machinesMax.default(1000),
  hosts: z
    .array(sshHost)
    .min(1)
    .max(1000)
    .refine((hosts) => new Set(hosts.map(({ address }) => address)).size === hosts.length, {
      error: "must name each host once",
    }),
  /** Public keys of the hosts as lines of known_hosts; those that the user of the control plane knows when absent. */
  knownHosts: z.string().max(1_000_000).optional(),
  /** Hosts reach this cloud through the ssh connection: for those that cannot open one to it. */
  tunnel: z.boolean().default(false),
});

export type SshConfig = z.output<typeof sshConfig>;

/** What speaks the API of Amazon EC2. */
const ec2Config = z.strictObject({
  type: z.literal("ec2"),
  ...everySite,
  region: name,
  /** Amazon's of that region when absent. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  accessKeyId: z.string().min(1).max(200),
  imageId: name,
  types: z
    .array(
      z.strictObject({
        name,
        ...rates,
      }),
    )
    .min(1)
    .max(100),
  markets: z
    .array(z.enum(["on-demand", "spot"]))
    .min(1)
    .default(["on-demand"]),
  /** All of the region when absent. */
  zones: z.array(name).optional(),
  subnetId: name.optional(),
  securityGroupIds: z.array(name).default([]),
  keyName: name.optional(),
  bootMs: bootMs.optional(),
  ...billing,
  /** Interruptions of a spot machine in an hour, until it has been seen. */
  interruptionsPerHour: z.number().min(0).max(3600).optional(),
});
export type Ec2Config = z.output<typeof ec2Config>;

/** Another Canopy, which runs our agents as tasks of a job. */
const canopyConfig = z.strictObject({
  type: z.literal("canopy"),
  ...everySite,
  url: z.url({ protocol: /^https?$/ }),
  project: name.optional(),
  ...capacity.shape,
  ...rates,
  ...billing,
  bootMs: bootMs.optional(),
});
export type CanopyConfig = z.output<typeof canopyConfig>;

export const siteConfig = z.discriminatedUnion("type", [
  localConfig,
  simulatedConfig,
  sshConfig,
  ec2Config,
  canopyConfig,
]);
export type SiteConfig = z.output<typeof siteConfig>;

/** What opens a site; each type takes its own. Kept sealed, and told to nobody. */
export const siteSecrets = z.strictObject({
  /** ssh: a private key in OpenSSH's form; without one, the keys and the agent of the control plane's user are tried. */
  privateKey: z.string().max(100_000).optional(),
  /** ec2 */
  secretAccessKey: z.string().max(1000).optional(),
  sessionToken: z.string().max(10_000).optional(),
  /** canopy: an API key of the other cloud. */
  key: z.string().max(1000).optional(),
});
export type SiteSecrets = z.output<typeof siteSecrets>;
export type SiteConfigInput = z.input<typeof siteConfig>;
