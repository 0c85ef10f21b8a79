import type { LifecycleRule as SdkRule, LifecycleRuleFilter } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import type { LifecycleFilter, LifecycleRule, LifecycleTime } from "#/model/bucket-lifecycle.ts";
import { invalidArgument, invalidRequest, malformedXml } from "./errors.ts";
import { checkApart, checkWaterfall } from "./lifecycle-conflicts.ts";

const dayMs = 24 * 60 * 60_000;
const classes = new Set(
  "STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER GLACIER_IR DEEP_ARCHIVE".split(" "),
);
/** Those that S3 lets objects into only when they are that old. */
const daysMin: Record<string, number> = { STANDARD_IA: 30, ONEZONE_IA: 30 };

/**
 * Throws "MalformedXML", "InvalidArgument" and "InvalidRequest", as S3 does.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export function readLifecycle(
  rules: readonly SdkRule[] = [],
  newId: () => string,
): LifecycleRule[] {
  if (rules.length === 0 || rules.length > limits.lifecycleRulesMax) throw malformedXml();
  const read = rules.map((rule) => readRule(rule, newId));
  const ids = new Set<string>();
  for (const { id } of read) {
    if (ids.has(id))
      throw invalidArgument(
        "Rule ID must be unique. Found same ID for more than one rule",
        "ID",
        id,
      );
    ids.add(id);
  }
  checkApart(read);
  return read;
}

function readRule(rule: SdkRule, newId: () => string): LifecycleRule {
  const { ID: id = newId(), Status, Prefix, Filter } = rule;
  if (Status !== "Enabled" && Status !== "Disabled") throw malformedXml();
  if (id.length > limits.ruleIdCharactersMax)
    throw invalidArgument("ID length should not exceed allowed limit of 255", "ID", id);
  if ((Prefix === undefined) === (Filter === undefined)) throw malformedXml();
  const { filter, form } = Filter
    ? readFilter(Filter)
    : ({ filter: { prefix: Prefix }, form: "legacy" } as const);
  if (Buffer.byteLength(filter.prefix ?? "") > limits.objectKeyBytesMax)
    throw invalidRequest(`The maximum size of a prefix is ${limits.objectKeyBytesMax}.`);
  const read: LifecycleRule = {
    id: id === "" ? newId() : id,
    isEnabled: Status === "Enabled",
    filter,
    filterForm: form,
    expiration: readExpiration(rule, filter),
    noncurrentExpiration: readNoncurrentExpiration(rule),
    transitions: readTransitions(rule),
    noncurrentTransitions: readNoncurrentTransitions(rule),
    abortUploadsDays: readAbort(rule, filter),
  };
  const acts = [
    read.expiration,
    read.noncurrentExpiration,
    read.transitions,
    read.noncurrentTransitions,
    read.abortUploadsDays,
  ];
  if (acts.every((act) => act === undefined))
    throw invalidRequest("At least one action needs to be specified in a rule.");
  checkOrder(read);
  checkWaterfall(read);
  return read;
}

function readFilter(asked: LifecycleRuleFilter): {
  filter: LifecycleFilter;
  form: LifecycleRule["filterForm"];
} {
  const { Prefix, Tag, ObjectSizeGreaterThan: above, ObjectSizeLessThan: below, And } = asked;
  const named = [Prefix, Tag, above, below, And].filter((one) => one !== undefined).length;
  if (named > 1) throw malformedXml();
  if (And) {
    const tags = readTags(And.Tags ?? []);
    const filter = {
      prefix: And.Prefix,
      tags,
      ...readSizes(And.ObjectSizeGreaterThan, And.ObjectSizeLessThan),
    };
    const predicates =
      [And.Prefix, And.ObjectSizeGreaterThan, And.ObjectSizeLessThan].filter(
        (one) => one !== undefined,
      ).length + Object.keys(tags ?? {}).length;
    if (predicates < 2) throw malformedXml();
    return { filter, form: "and" };
  }
  if (Tag) return { filter: { tags: readTags([Tag]) }, form: "tag" };
  if (Prefix !== undefined) return { filter: { prefix: Prefix }, form: "prefix" };
  if (above !== undefined) return { filter: readSizes(above, undefined), form: "above" };
  if (below !== undefined) return { filter: readSizes(undefined, below), form: "below" };
  return { filter: {}, form: "empty" };
}

function readTags(
  tags: readonly { Key?: string | undefined; Value?: string | undefined }[],
): Record<string, string> | undefined {
  if (tags.length === 0) return undefined;
  const read = new Map<string, string>();
  for (const { Key, Value } of tags) {
    if (!Key || Value === undefined) throw malformedXml();
    if (read.has(Key)) throw invalidRequest("Duplicate Tag Keys are not allowed.");
    read.set(Key, Value);
  }
  return Object.fromEntries(read);
}

function readSizes(above: number | undefined, below: number | undefined): LifecycleFilter {
  for (const size of [above, below])
    if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) throw malformedXml();
  if (below === 0) throw invalidRequest("'ObjectSizeLessThan' should be greater than 0");
  if (above !== undefined && below !== undefined && above >= below)
    throw invalidRequest(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    );
  return { sizeBytesAbove: above, sizeBytesBelow: below };
}

function readExpiration(
  { Expiration }: SdkRule,
  filter: LifecycleFilter,
): LifecycleRule["expiration"] {
  if (!Expiration) return undefined;
  const { Days, Date: date, ExpiredObjectDeleteMarker: markers } = Expiration;
  const named = [Days, date, markers].filter((one) => one !== undefined).length;
  if (named !== 1) throw malformedXml();
  if (Days !== undefined) return { days: days(Days, "Expiration", 1) };
  if (date !== undefined) return { at: midnight(date) };
  if (filter.tags) throw invalidRequest("ExpiredObjectDeleteMarker cannot be specified with Tags.");
  return markers ? { markersAlone: true } : undefined;
}

function readNoncurrentExpiration({
  NoncurrentVersionExpiration: asked,
  Filter,
}: SdkRule): LifecycleRule["noncurrentExpiration"] {
  if (!asked) return undefined;
  const { NoncurrentDays, NewerNoncurrentVersions } = asked;
  if (NoncurrentDays === undefined) throw malformedXml();
  return {
    days: days(NoncurrentDays, "NoncurrentVersionExpiration", 1),
    newerKept: newer(NewerNoncurrentVersions, Filter),
  };
}

function readTransitions({ Transitions }: SdkRule): LifecycleRule["transitions"] {
  if (!Transitions || Transitions.length === 0) return undefined;
  const seen = new Set<string>();
  return Transitions.map(({ Days, Date: date, StorageClass }) => {
    const storageClass = readClass(StorageClass, seen);
    if ((Days === undefined) === (date === undefined)) throw malformedXml();
    const when: LifecycleTime =
      Days === undefined ? { at: midnight(date!) } : { days: days(Days, "Transition", 0) };
    if ("days" in when) checkClassDays(when.days, storageClass, "Transition");
    return { when, storageClass };
  });
}

function readNoncurrentTransitions({
  NoncurrentVersionTransitions: asked,
  Filter,
}: SdkRule): LifecycleRule["noncurrentTransitions"] {
  if (!asked || asked.length === 0) return undefined;
  const seen = new Set<string>();
  return asked.map(({ NoncurrentDays, StorageClass, NewerNoncurrentVersions }) => {
    const storageClass = readClass(StorageClass, seen);
    if (NoncurrentDays === undefined) throw malformedXml();
    const after = days(NoncurrentDays, "NoncurrentVersionTransition", 0);
    checkClassDays(after, storageClass, "NoncurrentVersionTransition");
    return { days: after, storageClass, newerKept: newer(NewerNoncurrentVersions, Filter) };
  });
}

function readAbort(
  { AbortIncompleteMultipartUpload: abort }: SdkRule,
  filter: LifecycleFilter,
): number | undefined {
  if (!abort) return undefined;
  if (filter.tags)
    throw invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Tags.");
  if (filter.sizeBytesAbove !== undefined || filter.sizeBytesBelow !== undefined)
    throw invalidRequest("AbortIncompleteMultipartUpload cannot be specified with Object Size.");
  if (abort.DaysAfterInitiation === undefined) throw malformedXml();
  return days(abort.DaysAfterInitiation, "AbortIncompleteMultipartUpload", 1);
}

function readClass(storageClass: string | undefined, seen: Set<string>): string {
  if (storageClass === undefined || !classes.has(storageClass)) throw malformedXml();
  if (seen.has(storageClass))
    throw invalidArgument(
      "'StorageClass' must be different for 'Transition' actions in same 'Rule'",
      "StorageClass",
      storageClass,
    );
  seen.add(storageClass);
  return storageClass;
}

function checkClassDays(after: number, storageClass: string, action: string): void {
  const min = daysMin[storageClass] ?? 0;
  if (after >= min) return;
  throw invalidArgument(
    `'Days' in ${action} action must be greater than or equal to ${min} for storageClass '${storageClass}'`,
    "Days",
    String(after),
  );
}

function days(value: number, action: string, min: number): number {
  if (!Number.isSafeInteger(value) || value > 2_147_483_647) throw malformedXml();
  if (value >= min) return value;
  throw invalidArgument(
    `'Days' for ${action} action must be a ${min === 0 ? "nonnegative" : "positive"} integer`,
    "Days",
    String(value),
  );
}

function midnight(date: Date): number {
  const at = date.getTime();
  if (Number.isNaN(at)) throw malformedXml();
  if (at % dayMs === 0) return at;
  throw invalidArgument("'Date' must be at midnight GMT", "Date", date.toISOString());
}

function newer(count: number | undefined, filter: LifecycleRuleFilter | undefined) {
  if (count === undefined) return undefined;
  if (!Number.isInteger(count) || count < 1 || count > 100)
    throw invalidArgument(
      "'NewerNoncurrentVersions' must be a positive integer up to 100",
      "NewerNoncurrentVersions",
      String(count),
    );
  if (!filter)
    throw invalidRequest("NewerNoncurrentVersions requires a Filter element in the rule.");
  return count;
}

/** What is moved is still there then; and a rule tells time by days or by dates. */
function checkOrder({ expiration, transitions, filter }: LifecycleRule): void {
  if (!expiration || "markersAlone" in expiration || !transitions) return;
  for (const { when } of transitions) {
    if ("days" in when !== "days" in expiration)
      throw invalidRequest(
        "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule",
      );
    const isLater =
      "days" in when && "days" in expiration
        ? expiration.days > when.days
        : "at" in when && "at" in expiration && expiration.at > when.at;
    if (isLater) continue;
    const what = "days" in when ? "Days" : "Date";
    throw invalidArgument(
      `'${what}' in the Expiration action for filter '(prefix=${filter.prefix ?? ""})' must be greater than '${what}' in the Transition action`,
      what,
    );
  }
}
