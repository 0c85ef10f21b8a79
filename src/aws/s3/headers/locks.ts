import type { IncomingHttpHeaders } from "node:http";
import type { AwsError } from "#/model/aws-error.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import type { ObjectMarks, Retention } from "#/objects/object-version.ts";
import { invalidArgument, invalidRequest } from "../errors.ts";

const prefix = "x-amz-object-lock-";

/** The retention and the hold that a write asks for, else what its bucket gives. Throws "InvalidArgument", "InvalidRequest". */
export function locksOf(
  headers: IncomingHttpHeaders,
  bucket: BucketSpec,
  nowMs: number,
): Pick<ObjectMarks, "retention" | "hasLegalHold"> {
  const mode = headers[`${prefix}mode`];
  const until = headers[`${prefix}retain-until-date`];
  const hold = headers[`${prefix}legal-hold`];
  if (mode === undefined && until === undefined && hold === undefined)
    return defaultRetention(bucket, nowMs);
  if (!bucket.objectLock) throw missingConfiguration();
  const marks: Pick<ObjectMarks, "retention" | "hasLegalHold"> = {};
  if (mode !== undefined || until !== undefined) {
    const both =
      "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
    if (mode === undefined) throw invalidArgument(both, `${prefix}mode`);
    if (until === undefined) throw invalidArgument(both, `${prefix}retain-until-date`);
    marks.retention = checkRetention(String(mode), String(until), nowMs);
  } else Object.assign(marks, defaultRetention(bucket, nowMs));
  if (hold !== undefined) {
    if (hold !== "ON" && hold !== "OFF")
      throw invalidArgument(
        "Legal Hold must be either of 'ON' or 'OFF'",
        `${prefix}legal-hold`,
        String(hold),
      );
    marks.hasLegalHold = hold === "ON";
  }
  return marks;
}

export const missingConfiguration = (): AwsError =>
  invalidRequest("Bucket is missing Object Lock Configuration");

/** Throws "InvalidArgument". */
function checkRetention(mode: string, until: string, nowMs: number): Retention {
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE")
    throw invalidArgument("Unknown wormMode directive.", `${prefix}mode`, mode);
  const untilMs = instantOf(until);
  if (untilMs === undefined)
    throw invalidArgument(
      "The retain until date must be provided in ISO 8601 format",
      `${prefix}retain-until-date`,
      until,
    );
  if (untilMs <= nowMs)
    throw invalidArgument(
      "The retain until date must be in the future!",
      `${prefix}retain-until-date`,
      until,
    );
  return { mode, untilMs };
}

/** ISO 8601, with a date and a time. */
export function instantOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

const dayMs = 86_400_000;

function defaultRetention(bucket: BucketSpec, nowMs: number): Pick<ObjectMarks, "retention"> {
  const rule = bucket.objectLock?.rule;
  if (!rule) return {};
  const days = rule.days ?? (rule.years ?? 0) * 365;
  return { retention: { mode: rule.mode, untilMs: nowMs + days * dayMs } };
}
