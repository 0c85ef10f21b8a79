import { CanopyError, errorCodes, type ErrorCode } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { instanceKinds } from "#/model/instance-type.ts";
import { blobKey } from "#/model/job-request.ts";
import { chaosTargets } from "#/model/game-day.ts";
import type {
  HostAbilities,
  HostReports,
  InstanceReport,
  SnapshotReport,
  VolumeReport,
} from "#/model/hosting.ts";
import type { MachineStatus } from "#/model/machine.ts";
import type { FromAgent, TaskReport } from "#/model/wire.ts";
import { z } from "zod";
import { functionAbilities, functionReport } from "./function-messages.ts";

/**
 * Messages of agents, checked before anything is done. Reports come by the ten thousand a second, so
 * these, and the pulls beside them, are checked by hand and the rest by schema.
 */
const claims = z.array(z.tuple([z.string(), z.number()]));

/** A schema for each member: of one that is missing here nothing would ever arrive. */
type Members<Of> = Record<keyof Of, z.ZodType>;

const hosting = z.object({
  kinds: z.array(z.enum(instanceKinds)),
  hasKvm: z.boolean(),
  networks: z.enum(["full", "user"]),
  storages: z.array(z.string().max(100)).max(100),
  missing: z.array(z.string().max(1000)).max(100),
} satisfies Members<HostAbilities>);

const machineStatus = z.object({
  hostname: z.string().max(255),
  os: z.string().max(100),
  arch: z.string().max(100),
  version: z.string().max(100),
  capacity: z.object({ milliCpus: z.number().min(0), memoryBytes: z.number().min(0) }),
  drivers: z.array(z.string().max(100)).max(100),
  peerUrl: z.string().max(1000).optional(),
  faults: z.array(z.enum(chaosTargets)).max(10).optional(),
  rates: z.object({
    microsPerHour: z.number().min(0).optional(),
    idleWatts: z.number().min(0),
    peakWatts: z.number().min(0),
    pue: z.number().min(1),
  }),
  measuresPower: z.boolean().optional(),
  endsAt: z.number().optional(),
  hosting: hosting.optional(),
  functions: functionAbilities.optional(),
  measured: z
    .object({
      at: z.number(),
      roundsPerSecond: z.number().positive(),
      memoryBytesPerSecond: z.number().positive(),
      diskBytesPerSecond: z.number().positive(),
      syncMs: z.number().min(0),
    })
    .optional(),
} satisfies Members<MachineStatus>);

const id = z.string().max(100);
const reason = z.object({ code: z.string().max(100), message: z.string().max(2000) });
const instanceReport = z.object({
  instance: id,
  fence: z.int(),
  state: z.enum(["preparing", "running", "stopping", "stopped", "failed", "gone"]),
  reboots: z.int(),
  reason: reason.optional(),
  ended: z
    .object({ by: z.enum(["itself", "signal", "crash"]), exitCode: z.int().optional() })
    .optional(),
  crashed: z.object({ at: z.number(), message: z.string().max(2000) }).optional(),
  startedAt: z.number().optional(),
  publicIp: z.string().max(100).optional(),
  ports: z.record(z.string().max(5), z.int()).optional(),
  attached: z.array(id).max(100).optional(),
  unready: z.record(id, z.string().max(2000)).optional(),
  awaits: z.object({ migration: id, address: z.string().max(100), port: z.int() }).optional(),
  left: z.object({ migration: id, pauseMs: z.number() }).optional(),
  stays: z.object({ migration: id, reason: z.string().max(2000) }).optional(),
  use: z.object({ cpuMs: z.number(), memoryBytes: z.number() }).optional(),
  keepsMemory: z.boolean().optional(),
} satisfies Members<InstanceReport>);
const hostReports = z.object({
  instances: z.array(instanceReport),
  volumes: z.array(
    z.object({
      volume: id,
      state: z.enum(["making", "here", "gone", "failed"]),
      sizeBytes: z.number().optional(),
      reason: z.string().max(2000).optional(),
    } satisfies Members<VolumeReport>),
  ),
  snapshots: z.array(
    z.object({
      snapshot: id,
      state: z.enum(["reading", "done", "failed"]),
      progress: z.number(),
      manifest: z.string().max(200).optional(),
      newBytes: z.number().optional(),
      layers: z
        .array(z.object({ key: blobKey, sizeBytes: z.int().min(0) }))
        .max(limits.imageLayersMax)
        .optional(),
      reason: z.string().max(2000).optional(),
    } satisfies Members<SnapshotReport>),
  ),
  gone: z.array(id),
} satisfies Members<HostReports>);

const terminalEnd = z.object({
  exitCode: z.int().optional(),
  error: z
    .object({
      code: z.enum(Object.keys(errorCodes) as ErrorCode[]),
      message: z.string().max(2000),
      hint: z.string().max(2000).optional(),
    })
    .optional(),
});

const others = z.discriminatedUnion("type", [
  z.object({ type: z.literal("hello"), status: machineStatus, holds: claims }),
  z.object({ type: z.literal("pull"), max: z.int().min(0) }),
  z.object({
    type: z.literal("beat"),
    cpuShare: z.number(),
    memoryFreeBytes: z.number(),
    watts: z.number().min(0).optional(),
    running: z.array(z.object({ task: z.string(), fence: z.number(), sinceMs: z.number() })),
  }),
  z.object({
    type: z.literal("logs"),
    lines: z.array(
      z.object({
        task: z.string(),
        at: z.number(),
        stream: z.enum(["stdout", "stderr", "canopy"]),
        text: z.string(),
      }),
    ),
  }),
  z.object({ type: z.literal("release"), tasks: claims }),
  z.object({ type: z.literal("ending"), at: z.number() }),
  z.object({ type: z.literal("struck"), hit: z.string().max(100), wasThere: z.boolean() }),
  z.object({ type: z.literal("segment"), request: z.number(), content: z.string().optional() }),
  z.object({ type: z.literal("hosting"), abilities: hosting }),
  z.object({ type: z.literal("host"), reports: hostReports }),
  z.object({
    type: z.literal("answer"),
    request: z.number(),
    answer: z.union([z.object({ content: z.string() }), z.object({ error: z.string() })]),
  }),
  z.object({
    type: z.literal("terminal"),
    terminal: z.int(),
    reply: z.union([
      z.object({ opened: z.literal(true) }),
      z.object({ output: z.string() }),
      z.object({ read: z.int() }),
      z.object({ ended: terminalEnd }),
    ]),
  }),
  z.object({ type: z.literal("function"), report: functionReport }),
]);

/** Throws "invalid" for what no agent says. */
export function parseMessage(text: string): FromAgent {
  let message: { type?: unknown };
  try {
    message = JSON.parse(text) as { type?: unknown };
  } catch {
    throw new CanopyError("invalid", "Cannot read a message as it must be JSON");
  }
  if (message?.type === "finish")
    return checkFinish(message as Extract<FromAgent, { type: "finish" }>);
  if (isPull(message)) return message;
  const parsed = others.safeParse(message);
  if (parsed.success) return parsed.data as FromAgent;
  const [issue] = parsed.error.issues;
  throw new CanopyError(
    "invalid",
    `Cannot read a message of type '${String(message?.type)}': ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

/** One goes with every batch; what is malformed is left to the schema to explain. */
function isPull(message: {
  type?: unknown;
  max?: unknown;
}): message is { type: "pull"; max: number } {
  return (
    message?.type === "pull" && Number.isSafeInteger(message.max) && (message.max as number) >= 0
  );
}

function checkFinish(message: Extract<FromAgent, { type: "finish" }>): FromAgent {
  const { number, reports } = message;
  if (
    !Number.isInteger(number) ||
    !Array.isArray(reports) ||
    reports.length > limits.finishTasksMax
  ) {
    throw new CanopyError(
      "invalid",
      `Cannot read a message of type 'finish' as it must have a number and at most ${limits.finishTasksMax} reports`,
    );
  }
  for (const report of reports) {
    if (!isReport(report))
      throw new CanopyError(
        "invalid",
        `Cannot read a report of the task '${String(report?.task)}' as it is malformed`,
      );
  }
  return message;
}

function isReport(report: TaskReport): boolean {
  const { task, fence, usage, result, resultBlob, error, outputs, shuffleBytes, exitCode } =
    report ?? {};
  return (
    typeof task === "string" &&
    typeof fence === "number" &&
    typeof usage === "object" &&
    Number.isFinite(usage?.wallMs) &&
    Number.isFinite(usage.cpuMs) &&
    Number.isFinite(usage.memoryBytes) &&
    Number.isFinite(usage.startedAt) &&
    Number.isFinite(usage.readBytes) &&
    Number.isFinite(usage.writtenBytes) &&
    isMaybe(usage.joules, "number") &&
    (result === undefined ||
      (typeof result === "string" && result.length <= limits.inlineBytesMax)) &&
    isMaybe(resultBlob, "string") &&
    isMaybe(exitCode, "number") &&
    (error === undefined ||
      (typeof error.reason === "string" && typeof error.message === "string")) &&
    (outputs === undefined || Object.values(outputs).every((key) => typeof key === "string")) &&
    (shuffleBytes === undefined ||
      (Array.isArray(shuffleBytes) && shuffleBytes.every((bytes) => typeof bytes === "number")))
  );
}

function isMaybe(value: unknown, type: "string" | "number"): boolean {
  return value === undefined || typeof value === type;
}
