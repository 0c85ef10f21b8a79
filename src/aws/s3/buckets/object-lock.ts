import type { ObjectLockConfiguration } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import { invalidArgument, malformedXml } from "./errors.ts";

type ObjectLock = NonNullable<BucketSpec["objectLock"]>;

/** Throws "MalformedXML" and "InvalidArgument", as S3 does. */
export function readObjectLock(asked: ObjectLockConfiguration | undefined): ObjectLock {
  if (asked?.ObjectLockEnabled !== "Enabled") throw malformedXml();
  if (!asked.Rule) return {};
  const { Mode: mode, Days: days, Years: years } = asked.Rule.DefaultRetention ?? {};
  if (mode !== "GOVERNANCE" && mode !== "COMPLIANCE") throw malformedXml();
  if ((days === undefined) === (years === undefined)) throw malformedXml();
  const length = days ?? years!;
  if (!Number.isInteger(length)) throw malformedXml();
  if (length <= 0)
    throw invalidArgument(
      "Default retention period must be a positive integer value.",
      days === undefined ? "Years" : "Days",
      String(length),
    );
  const max = days === undefined ? limits.retentionYearsMax : limits.retentionDaysMax;
  if (length > max)
    throw invalidArgument(
      "Default retention period is too large.",
      days === undefined ? "Years" : "Days",
      String(length),
    );
  return { rule: { mode, days, years } };
}

export function writeObjectLock({ rule }: ObjectLock): ObjectLockConfiguration {
  return {
    ObjectLockEnabled: "Enabled",
    ...(rule && {
      Rule: { DefaultRetention: { Mode: rule.mode, Days: rule.days, Years: rule.years } },
    }),
  };
}
