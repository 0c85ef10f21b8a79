import type { LifecycleRule as SdkRule, TransitionStorageClass } from "@aws-sdk/client-s3";
import type { LifecycleRule, LifecycleTime } from "#/model/bucket-lifecycle.ts";

export const writeLifecycle = (rules: readonly LifecycleRule[]): SdkRule[] => rules.map(writeRule);

function writeRule(rule: LifecycleRule): SdkRule {
  const { expiration, noncurrentExpiration, transitions, noncurrentTransitions } = rule;
  return {
    ID: rule.id,
    ...writeFilter(rule),
    Status: rule.isEnabled ? "Enabled" : "Disabled",
    Expiration:
      expiration &&
      ("markersAlone" in expiration ? { ExpiredObjectDeleteMarker: true } : writeTime(expiration)),
    NoncurrentVersionExpiration: noncurrentExpiration && {
      NoncurrentDays: noncurrentExpiration.days,
      NewerNoncurrentVersions: noncurrentExpiration.newerKept,
    },
    Transitions: transitions?.map(({ when, storageClass }) => ({
      ...writeTime(when),
      StorageClass: storageClass as TransitionStorageClass,
    })),
    NoncurrentVersionTransitions: noncurrentTransitions?.map(
      ({ days, storageClass, newerKept }) => ({
        NoncurrentDays: days,
        StorageClass: storageClass as TransitionStorageClass,
        NewerNoncurrentVersions: newerKept,
      }),
    ),
    AbortIncompleteMultipartUpload:
      rule.abortUploadsDays === undefined
        ? undefined
        : { DaysAfterInitiation: rule.abortUploadsDays },
  };
}

const writeTime = (time: LifecycleTime) =>
  "days" in time ? { Days: time.days } : { Date: new Date(time.at) };

function writeFilter({ filter, filterForm }: LifecycleRule): Pick<SdkRule, "Prefix" | "Filter"> {
  const { prefix, tags, sizeBytesAbove, sizeBytesBelow } = filter;
  const written = Object.entries(tags ?? {}).map(([Key, Value]) => ({ Key, Value }));
  switch (filterForm) {
    case "legacy":
      return { Prefix: prefix };
    case "empty":
      return { Filter: {} };
    case "prefix":
      return { Filter: { Prefix: prefix } };
    case "tag":
      return { Filter: { Tag: written[0] } };
    case "above":
      return { Filter: { ObjectSizeGreaterThan: sizeBytesAbove } };
    case "below":
      return { Filter: { ObjectSizeLessThan: sizeBytesBelow } };
    case "and":
      return {
        Filter: {
          And: {
            Prefix: prefix,
            Tags: tags && written,
            ObjectSizeGreaterThan: sizeBytesAbove,
            ObjectSizeLessThan: sizeBytesBelow,
          },
        },
      };
  }
}
