import { z } from "zod";
import { hostingView, measureView, powerView, standingView } from "./machine-views.ts";

/**
 * What the API answers, one schema per thing: types for the CLI and the SDK (by `import type`, so that
 * neither loads a schema), checks at the door, and the OpenAPI document. Instants are RFC 3339 in UTC;
 * durations, sizes and sums of money are numbers whose names end in their unit.
 */
const instant = z.iso.datetime();
const count = z.int().min(0);

/** Decimal text in `currency` (ISO 4217); absent where some part has no known price. */
const money = z
  .string()
  .regex(/^\d+\.\d+$/)
  .optional();

export const usageView = z.object({
  attempts: count,
  wallMs: z.number(),
  cpuMs: z.number(),
  memoryByteSeconds: z.number(),
  memoryPeakBytes: z.number(),
  readBytes: z.number(),
  writtenBytes: z.number(),
  /** Millionths of the price list's currency; absent when some part has no known price. */
  costMicros: z.number().optional(),
  /** Absent when some part has no known power. */
  energyJoules: z.number().optional(),
  /** Of that, what agents measured; the rest is by the power model. */
  measuredJoules: z.number(),
  /** CO2 equivalent; absent when nobody knows how clean the power of some part was. */
  grams: z.number().optional(),
});
export type UsageView = z.output<typeof usageView>;

/** Tasks by what has become of them. */
export const countsView = z.object({
  /** Tasks there will be; absent while that is not known. */
  total: count.optional(),
  /** Made so far. */
  offered: count,
  waiting: count,
  running: count,
  succeeded: count,
  failed: count,
  cancelled: count,
  /** Of those that succeeded, how many had their result from an earlier run of the same content. */
  reused: count,
  retried: count,
  lost: count,
});
export type CountsView = z.output<typeof countsView>;

export const stepPhase = z.enum(["blocked", "running", "succeeded", "failed", "cancelled"]);
export const jobPhase = z.enum(["running", "succeeded", "failed", "cancelled"]);
export const taskPhase = z.enum([
  "ready",
  "waiting",
  "running",
  "succeeded",
  "failed",
  "cancelled",
]);

export const stepView = z.object({
  /** "j0f3k2m9x1ab2/0". */
  id: z.string(),
  /** Its number within the job, as the paths of calls take it. */
  number: count,
  /** What its job calls it. */
  name: z.string(),
  title: z.string(),
  phase: stepPhase,
  after: z.array(z.string()),
  driver: z.enum(["process", "runner"]),
  /** True when no more tasks will be made. */
  closed: z.boolean(),
  tasks: countsView,
  usage: usageView,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  reason: z.string().optional(),
  /** Set by a durable job: what was asked for, in short. */
  fingerprint: z.string().optional(),
  /** The blob of the module that its tasks run, for the driver "runner". */
  module: z.string().optional(),
  /** A value that a durable job recorded, as JSON text: such a step has no tasks. */
  recorded: z.string().optional(),
});
export type StepView = z.output<typeof stepView>;

/** Steps of one title, shown together. */
export const kindView = z.object({
  title: z.string(),
  steps: count,
  /** Of the steps: how many in each phase. */
  phases: z.partialRecord(stepPhase, count),
  tasks: countsView,
  usage: usageView,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
});
export type KindView = z.output<typeof kindView>;

export const jobView = z.object({
  id: z.string(),
  project: z.string(),
  title: z.string(),
  phase: jobPhase,
  /** While open, steps may be added. */
  open: z.boolean(),
  priority: z.int(),
  onFailure: z.enum(["stop", "continue"]),
  submittedBy: z.string(),
  submittedAt: instant,
  endedAt: instant.optional(),
  reason: z.string().optional(),
  /** What `canopy run` exits with. */
  exitCode: z.int().optional(),
  /** While nothing of it begins as it waits for cleaner power. */
  held: z
    .object({
      since: instant,
      /** As far as is known now. */
      until: instant,
      /** How much less CO2 that emits than going on at once, by the forecast: 0.31 is 31 %. */
      savingShare: z.number(),
      why: z.array(z.string()),
      /** The smallest change that would have let it go on. */
      flip: z.string(),
    })
    .optional(),
  /** What it is to keep: as its plan, its project's policy, or who tried it again says. */
  goal: z
    .object({
      plan: z.string().optional(),
      deadlineAt: instant.optional(),
      budget: money,
    })
    .optional(),
  /** Steps made so far. */
  steps: count,
  /** The number of the step whose only task gives the job's result. */
  mainStep: count.optional(),
  /** Over all steps; absent in lists for jobs that have left memory. */
  tasks: countsView.optional(),
  usage: usageView.optional(),
});
export type JobView = z.output<typeof jobView>;

/** When it will have ended, counted from now: nine in ten between low and high. Absent when nothing is known yet. */
export const etaView = z.object({ lowMs: z.number(), likelyMs: z.number(), highMs: z.number() });
export type EtaView = z.output<typeof etaView>;

/** One reason, as a sentence, and what to do about it where there is something to do. */
export const explanationView = z.object({
  /** The machine it is about; absent when it holds for all. */
  machine: z.string().optional(),
  /** The task or step it is about, where it is not all of what was asked for. */
  subject: z.string().optional(),
  sentence: z.string(),
  /** The smallest change with which it would be otherwise. */
  flip: z.string().optional(),
  /** A command that can be pasted, or a change to make. */
  advice: z.string().optional(),
});
export type ExplanationView = z.output<typeof explanationView>;

/** A whole job at one moment; also what `GET /v1/jobs/{job}/events` sends as "progress" and "end". */
export const jobDetail = jobView.extend({
  kinds: z.array(kindView),
  tasks: countsView,
  usage: usageView,
  eta: etaView.optional(),
  /** Why it waits, when tasks are ready and none of them runs. */
  waits: z.array(explanationView),
});
export type JobDetail = z.output<typeof jobDetail>;

export const whyView = z.object({
  id: z.string(),
  phase: z.string(),
  explanations: z.array(explanationView),
});
export type WhyView = z.output<typeof whyView>;

export const costView = z.object({
  job: z.string(),
  currency: z.string().length(3),
  spent: money,
  /** At the end, if what is left costs what its kind has cost so far; absent until each kind has finished a task. */
  projected: money,
  /** Of what was spent, machines that were bought for it; absent where it has no deadline and no budget. */
  bought: money,
  budget: money,
  energyJoules: z.number().optional(),
  grams: z.number().optional(),
  usage: usageView,
  kinds: z.array(
    z.object({
      title: z.string(),
      tasks: count,
      spent: money,
      energyJoules: z.number().optional(),
      grams: z.number().optional(),
      usage: usageView,
    }),
  ),
});
export type CostView = z.output<typeof costView>;

export const taskErrorView = z.object({
  reason: z.string(),
  message: z.string(),
  stack: z.string().optional(),
  exitCode: z.int().optional(),
});
export type TaskErrorView = z.output<typeof taskErrorView>;

export const taskView = z.object({
  /** "j0f3k2m9x1ab2/0/7". */
  id: z.string(),
  job: z.string(),
  /** The number of its step. */
  step: count,
  index: count,
  title: z.string(),
  phase: taskPhase,
  /** The machine that runs it, or ran the attempt that ended it. */
  machine: z.string().optional(),
  /** While it runs. */
  runningSince: instant.optional(),
  notBefore: instant.optional(),
  attempts: z.array(z.object({ machine: z.string(), at: instant, error: taskErrorView })),
  lost: count,
  reused: z.boolean(),
  exitCode: z.int().optional(),
  usage: z
    .object({
      startedAt: instant,
      wallMs: z.number(),
      cpuMs: z.number(),
      memoryBytes: z.number(),
      readBytes: z.number(),
      writtenBytes: z.number(),
      /** Of its last attempt. Absent when its machine's power is not known, or the machine is gone. */
      energyJoules: z.number().optional(),
      /** Of that, what its agent measured. */
      measuredJoules: z.number().optional(),
      /** CO2 equivalent; absent when nobody knows how clean the power was. */
      grams: z.number().optional(),
    })
    .optional(),
});
export type TaskView = z.output<typeof taskView>;

/** One task with its content: JSON text as it is kept, or the blob that holds it. */
export const taskDetail = taskView.extend({
  input: z.string(),
  inputBlob: z.string().optional(),
  result: z.string().optional(),
  resultBlob: z.string().optional(),
  outputs: z.record(z.string(), z.string()),
});
export type TaskDetail = z.output<typeof taskDetail>;

/** How a job ended, with its main step's result as JSON text. */
export const jobResult = z.object({
  id: z.string(),
  phase: jobPhase,
  exitCode: z.int().optional(),
  reason: z.string().optional(),
  result: z.string().optional(),
  resultBlob: z.string().optional(),
  error: taskErrorView.optional(),
});
export type JobResult = z.output<typeof jobResult>;

/**
 * One line of `GET …/results`. `result` is the task's JSON as it is. `end` comes once, last, when the
 * step has ended and all has been told. Empty lines keep the connection alive.
 */
export type ResultLine =
  | { index: number; result: unknown; outputs?: Record<string, string> }
  | { index: number; resultBlob: string }
  | { index: number; error: TaskErrorView }
  | {
      end: {
        phase: StepView["phase"];
        offered: number;
        succeeded: number;
        failed: number;
        cancelled: number;
        reason?: string;
      };
    };

/** What POST …/tasks answers: the tasks of the step now; append the next ones from there. */
export const appendedView = z.object({ offered: count, closed: z.boolean() });
export type AppendedView = z.output<typeof appendedView>;

/** One line of a task's output. */
export const logLineView = z.object({
  task: z.string(),
  at: instant,
  stream: z.enum(["stdout", "stderr", "canopy"]),
  text: z.string(),
  /** On some lines: give it as `after` to read on behind this one. */
  next: count.optional(),
});
export type LogLineView = z.output<typeof logLineView>;

const capacityView = z.object({ milliCpus: z.number(), memoryBytes: z.number() });

export const machineView = z.object({
  name: z.string(),
  site: z.string(),
  hostname: z.string(),
  os: z.string(),
  arch: z.string(),
  version: z.string(),
  labels: z.record(z.string(), z.string()),
  drivers: z.array(z.string()),
  capacity: capacityView,
  /** What no running task holds; absent while it is not connected. */
  free: capacityView.optional(),
  connected: z.boolean(),
  cordoned: z.boolean(),
  standing: standingView.optional(),
  lastSeenAt: instant.optional(),
  running: count,
  /** What it can do for instances; absent for one that hosts none. */
  hosting: hostingView.optional(),
  /** Of all projects, those that hold something of it. */
  instances: count,
  /** Share of its CPUs in use, 0 to 1, as it said last. */
  cpuShare: z.number().optional(),
  memoryFreeBytes: z.number().optional(),
  joinedAt: instant,
  measured: measureView.optional(),
  /** How much longer tasks take there than on a usual machine, by what was measured and what ran. */
  slowness: z.number(),
  /** Per hour, for the whole machine, in millionths of the currency; absent when unknown. */
  microsPerHour: z.number().optional(),
  /** At rest and at full load, with the building's overhead as a factor on both; absent when unknown. */
  power: powerView.optional(),
});
export type MachineView = z.output<typeof machineView>;

/** CPUs and memory; what is absent is not limited. */
export const amountsView = z.object({
  cpus: z.number().optional(),
  memoryBytes: z.number().optional(),
});
export type AmountsView = z.output<typeof amountsView>;

export const projectView = z.object({
  name: z.string(),
  title: z.string(),
  weight: z.number(),
  /** What it is entitled to; absent when it is not limited. */
  quota: amountsView.optional(),
  /** What its tasks under way ask for; absent when it is not limited. */
  used: amountsView.optional(),
  /** Projects of one cohort lend each other what is idle of their quotas. */
  cohort: z.string().optional(),
  /** How much beyond its quota it may use at most; all that is idle when absent. */
  borrow: amountsView.optional(),
  createdAt: instant,
});
export type ProjectView = z.output<typeof projectView>;

/** What may be changed of a project; null takes away. */
export interface ProjectChange {
  title?: string;
  weight?: number;
  quota?: AmountsView | null;
  cohort?: string | null;
  borrow?: AmountsView | null;
}

export const roleName = z.enum(["viewer", "submitter", "admin", "root"]);

export const keyView = z.object({
  name: z.string(),
  project: z.string(),
  title: z.string(),
  role: roleName,
  /** Whose policies bound it. */
  user: z.string().optional(),
  createdAt: instant,
  expiresAt: instant.optional(),
  /** While its jobs fail, one and all: it may begin one with so much time between. */
  slowed: z.object({ since: instant, everyMs: z.number(), reason: z.string() }).optional(),
});
export type KeyView = z.output<typeof keyView>;

/** A key as it is told once, when it is made. */
export const madeKeyView = keyView.extend({ key: z.string() });
export type MadeKeyView = z.output<typeof madeKeyView>;

export const madeJoinTokenView = z.object({
  token: z.string(),
  expiresAt: instant,
  /** The one line to paste on the machine that is to join. */
  command: z.string(),
});
export type MadeJoinTokenView = z.output<typeof madeJoinTokenView>;

export const blobView = z.object({ key: z.string(), sizeBytes: count });
export type BlobView = z.output<typeof blobView>;

/** What one batch of durable changes did to a project: `id` of the event is its sequence. Tasks are counted, not named. */
export const eventView = z.object({
  sequence: count,
  changes: z.array(
    z.object({
      op: z.enum(["put", "archive", "restore", "delete"]),
      kind: z.enum(["job", "step", "machine", "project", "key", "policy", "game-day"]),
      name: z.string(),
      phase: z.string().optional(),
      revision: count,
    }),
  ),
  tasks: z.array(z.object({ step: z.string(), phase: z.string(), count })),
});
export type EventView = z.output<typeof eventView>;

/** One of the control planes of a cloud. */
export const controlPlaneView = z.object({
  /** Where the others reach it. */
  url: z.string(),
  role: z.enum(["leader", "follower"]),
  /** The newest durable batch that it knows. */
  sequence: count,
  /** Since it last knew all that the log holds. */
  behindMs: count,
});
export type ControlPlaneView = z.output<typeof controlPlaneView>;

export const statusView = z.object({
  version: z.string(),
  startedAt: instant,
  /** Grows with every start. */
  epoch: count,
  /** The newest durable batch. */
  sequence: count,
  project: z.string(),
  caller: z.object({ name: z.string(), role: z.string() }),
  jobsRunning: count,
  tasksWaiting: count,
  tasksRunning: count,
  machines: count,
  machinesConnected: count,
  capacity: capacityView,
  currency: z.string(),
  /** The game day of the project that is on. */
  gameDay: z.string().optional(),
  /** The leader first. */
  controlPlanes: z.array(controlPlaneView),
});
export type StatusView = z.output<typeof statusView>;

/** RFC 9457, with Canopy's stable code. */
export const problemView = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  /** What to do next. */
  hint: z.string().optional(),
  place: z.object({ file: z.string(), line: z.int(), column: z.int() }).optional(),
  /** Members of the request that were wrong. */
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  /** For "limited": when to come again. */
  retryAfterMs: z.number().optional(),
});
export type ProblemView = z.output<typeof problemView>;

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    /** Give it as `cursor` to read on; absent at the end. */
    next: z.string().optional(),
  });
}
export interface Page<T> {
  items: T[];
  next?: string;
}
