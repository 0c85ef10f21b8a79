import { limits } from "#/base/limits.ts";
import type { FunctionAnswer } from "#/model/function-wire.ts";
import type { OpenCall } from "./environment.ts";

/** The end of what a call has logged, with the lines that Lambda ends it with. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
export function tailOf({ requestId, target, tail = "" }: OpenCall, answer: FunctionAnswer): string {
  const { durationMs, initMs, memoryPeakBytes } = answer.usage;
  const { memoryMb } = target.config;
  const report = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
    `Max Memory Used: ${Math.ceil(memoryPeakBytes / 2 ** 20)} MB`,
    ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
  ];
  const whole = `${tail}END RequestId: ${requestId}\n${report.join("\t")}\t\n`;
  return Buffer.from(whole).subarray(-limits.functionTailBytes).toString();
}
