import type { AwsCall } from "../aws-call.ts";
import { accessLine } from "./access-line.ts";

/** Notes a request that was answered in the access log of its bucket, where that has one. */
export function noteAccess(call: AwsCall, startedMs: number, thrown: unknown): void {
  const { target, parts } = call;
  if (target.bucket === undefined) return;
  const bucket = parts.buckets.find(target.bucket);
  if (!bucket?.spec.logging) return;
  const endedMs = parts.clock.now();
  const text = accessLine(call, bucket, { startedMs, endedMs, thrown });
  parts.accessLog.note(bucket, { at: startedMs, text });
}
