import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { chaosTargets } from "#/model/game-day.ts";
import type { FromAgent, TaskReport } from "#/model/wire.ts";
import { z } from "zod";

/**
 * Messages of agents, checked before anything is done. Reports come by the ten thousand a second, so
 * these, and the pulls beside them, are checked by hand and the rest by schema.
 */
const claims = z.array(z.tuple([z.string(), z.number()]));

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
  measured: z
    .object({
      at: z.number(),
      roundsPerSecond: z.number().positive(),
      memoryBytesPerSecond: z.number().positive(),
      diskBytesPerSecond: z.number().positive(),
      syncMs: z.number().min(0),
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
  z.object({ type: z.literal("struck"), hit: z.string().max(100), wasThere: z.boolean() }),
  z.object({ type: z.literal("segment"), request: z.number(), content: z.string().optional() }),
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
  const { task, fence, usage, result, resultObject, error, outputs, shuffleBytes, exitCode } =
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
    isMaybe(resultObject, "string") &&
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
