import { limits } from "#/base/limits.ts";
import type { FunctionAbilities, FunctionReport } from "#/model/function-wire.ts";
import { z } from "zod";

/** What agents say of functions, as schemas. */
export const functionAbilities = z.object({
  interpreters: z.array(z.enum(["node", "python", "bootstrap"])),
  missing: z.array(z.string().max(1000)).max(100),
}) satisfies z.ZodType<FunctionAbilities>;

const environment = z.string().max(100);
const requestId = z.string().max(100);
const error = z.object({
  errorType: z.string().max(1000),
  errorMessage: z.string().max(limits.functionErrorLengthMax),
  stackTrace: z.array(z.string().max(limits.functionErrorLengthMax)).max(100).optional(),
});
const usage = z.object({
  durationMs: z.number().min(0),
  initMs: z.number().min(0).optional(),
  cpuMs: z.number().min(0),
  memoryPeakBytes: z.number().min(0),
});

export const functionReport: z.ZodType<FunctionReport> = z.discriminatedUnion("is", [
  z.object({ is: z.literal("ready"), environment, initMs: z.number().min(0) }),
  z.object({
    is: z.literal("answered"),
    environment,
    requestId,
    answer: z.object({
      payload: z.string(),
      error: z.enum(["Handled", "Unhandled"]).optional(),
      usage,
    }),
  }),
  z.object({
    is: z.literal("printed"),
    environment,
    lines: z.array(z.object({ at: z.number(), text: z.string(), requestId: requestId.optional() })),
  }),
  z.object({ is: z.literal("ended"), environment, error: error.optional() }),
]) as z.ZodType<FunctionReport>;
