import { z } from "zod";
import { limits } from "#/base/limits.ts";

/**
 * What a user asks for, as the API, job files and the SDK give it: one schema for all of them. Steps
 * name each other by `name`; jobs/submit.ts turns a request into records.
 */
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const stepWord = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, "must be letters, digits, '_', '.' or '-'")
  .max(100);

/** Relative, and stays inside the task's folder. */
const taskPath = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (path) => !path.startsWith("/") && !path.split("/").includes(".."),
    "must stay inside the task's folder",
  );

export const blobKey = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be a blob's key: 64 hexadecimal digits");

export const stepTitle = z.string().max(200);

export const needsRequest = z.strictObject({
  cpus: z.number().min(0).max(10_000).default(1),
  memoryBytes: z.int().min(0).default(0),
  labels: z.record(z.string(), z.string()).default({}),
  /** Only machines of these sites. */
  sites: z.array(z.string().min(1).max(100)).max(100).optional(),
  /** Rules of the policy by which it is only these, and those that were asked for. Canopy says it, whatever is given. */
  confinedBy: z.array(z.string()).optional(),
  ownSites: z.array(z.string()).optional(),
});

const runRequest = z.discriminatedUnion("driver", [
  z.strictObject({
    driver: z.literal("process"),
    command: z.array(z.string()).min(1, "must name a program").max(10_000),
    env: z.record(z.string(), z.string()).default({}),
    stdin: z.boolean().default(false),
  }),
  z.strictObject({
    driver: z.literal("runner"),
    module: blobKey,
    function: z.string().min(1),
    role: z.enum(["task", "job", "map", "reduce"]).default("task"),
  }),
]);

const fileInput = z.strictObject({
  path: taskPath,
  from: z.union([
    z.strictObject({ blob: blobKey }),
    /** An output of a step that this one comes after; of its task of the same number, or of its only one. */
    z.strictObject({ step: stepWord, output: taskPath }),
  ]),
  executable: z.boolean().optional(),
});

const gridValues = z.union([
  z.array(scalar).min(1),
  z.strictObject({ from: z.number(), to: z.number(), by: z.number().positive().optional() }),
]);

const sourceRequest = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("list") }),
  z.strictObject({ type: z.literal("lines"), blob: blobKey }),
  z.strictObject({ type: z.literal("grid"), parameters: z.record(z.string(), gridValues) }),
  z.strictObject({
    type: z.literal("inputs"),
    inputs: z.array(z.json()).max(limits.appendTasksMax),
  }),
]);

export const stepRequest = z.strictObject({
  name: stepWord,
  /** The kind of task as people see it; its name when absent. */
  title: stepTitle.optional(),
  after: z.array(stepWord).default([]),
  run: runRequest,
  needs: needsRequest.prefault({}),
  timeoutMs: z.int().positive().optional(),
  retries: z.int().min(0).max(limits.retriesMax).default(2),
  retryMs: z.int().min(0).default(limits.retryMsMin),
  inputs: z.array(fileInput).max(10_000).default([]),
  outputs: z
    .array(z.strictObject({ path: taskPath, optional: z.boolean().default(false) }))
    .max(10_000)
    .default([]),
  reuse: z.boolean().default(false),
  /** False for what may not be under way twice at once: it gets no second attempt beside a slow one. */
  speculate: z.boolean().default(true),
  source: sourceRequest.default({ type: "inputs", inputs: [null] }),
  shuffle: z
    .union([
      z.strictObject({ role: z.literal("map"), partitions: z.int().min(1).max(10_000) }),
      z.strictObject({ role: z.literal("reduce"), from: stepWord }),
    ])
    .optional(),
  /** Its tasks run all at once or not at all; with `minimum`, at least so many of them at once. */
  gang: z
    .union([
      z.boolean(),
      z.strictObject({ minimum: z.int().min(1).max(limits.gangTasksMax).optional() }),
    ])
    .optional(),
  onFailure: z.enum(["stop", "continue"]).default("stop"),
  fingerprint: z.string().max(200).optional(),
  /** A value that a durable job recorded, as JSON text. Such a step has no tasks, and is made already succeeded. */
  recorded: z.string().max(limits.inlineBytesMax).optional(),
});

export const jobRequest = z.strictObject({
  title: z.string().min(1).max(200),
  priority: z.int().min(-100).max(100).default(0),
  onFailure: z.enum(["stop", "continue"]).default("stop"),
  /** More steps will be added; the job ends only after it is closed. */
  open: z.boolean().default(false),
  /** The step whose only task's result is the job's. */
  main: stepWord.optional(),
  steps: z.array(stepRequest).max(limits.jobStepsMax),
});

/** With every default filled in. */
export type JobRequest = z.output<typeof jobRequest>;
export type StepRequest = z.output<typeof stepRequest>;
/** As people may write it. */
export type JobRequestInput = z.input<typeof jobRequest>;
export type StepRequestInput = z.input<typeof stepRequest>;
