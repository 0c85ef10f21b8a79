/** Which objects a rule is about: all that is named must hold. */
export interface LifecycleFilter {
  prefix?: string;
  tags?: Record<string, string>;
  sizeBytesAbove?: number;
  sizeBytesBelow?: number;
}

/** When: so many days after, or at a midnight. */
export type LifecycleTime = { days: number } | { at: number };

export interface LifecycleRule {
  id: string;
  isEnabled: boolean;
  filter: LifecycleFilter;
  /** How the filter came: answers have it the same way. */
  filterForm: "legacy" | "empty" | "prefix" | "tag" | "above" | "below" | "and";
  expiration?: LifecycleTime | { markersAlone: true };
  noncurrentExpiration?: { days: number; newerKept?: number };
  transitions?: readonly { when: LifecycleTime; storageClass: string }[];
  noncurrentTransitions?: readonly { days: number; storageClass: string; newerKept?: number }[];
  /** Uploads in parts that were not completed. */
  abortUploadsDays?: number;
}

export interface Lifecycle {
  rules: readonly LifecycleRule[];
  /** Objects below 128 KiB go into GLACIER and DEEP_ARCHIVE too, as they did before September 2024. */
  transitionsSmall?: boolean;
}

/** An object, as rules look at it. */
interface Aged {
  key: string;
  sizeBytes: number;
  modifiedMs: number;
  storageClass: string;
  tags?: Record<string, string>;
}

/** A version that another one, or a marker, has replaced. */
interface Replaced extends Aged {
  /** When that came. */
  noncurrentAt: number;
  /** How many replaced versions of the key are newer. */
  newerNoncurrent: number;
}

/** What is to be done to a version now. */
export type Fate = { kind: "expire" } | { kind: "move"; storageClass: string };

const dayMs = 24 * 60 * 60_000;
const smallBytes = 128 * 1024;

/** From warm to cold; nothing ever goes back by itself. */
const classes = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "INTELLIGENT_TIERING",
  "ONEZONE_IA",
  "GLACIER_IR",
  "GLACIER",
  "DEEP_ARCHIVE",
];

/** How cold a class is: a number to compare with those of others. */
export const coldness = (storageClass: string): number => classes.indexOf(storageClass);

/** What becomes of the current version of a key. Of several rules expiring wins, then the coldest class, as with S3. */
export function fateOf(lifecycle: Lifecycle, object: Aged, nowMs: number): Fate | undefined {
  const rules = rulesAbout(lifecycle, object);
  const isDue = (when: LifecycleTime) => dueAt(when, object.modifiedMs) <= nowMs;
  if (rules.some(({ expiration }) => expiration && isTime(expiration) && isDue(expiration)))
    return { kind: "expire" };
  return coldest(
    object,
    rules.flatMap((rule) =>
      (rule.transitions ?? [])
        .filter(
          ({ when, storageClass }) => isDue(when) && mayMove(lifecycle, rule, object, storageClass),
        )
        .map(({ storageClass }) => storageClass),
    ),
  );
}

/** What becomes of a version that was replaced. */
export function fateOfNoncurrent(
  lifecycle: Lifecycle,
  version: Replaced,
  nowMs: number,
): Fate | undefined {
  const rules = rulesAbout(lifecycle, version);
  const isDue = ({ days, newerKept = 0 }: { days: number; newerKept?: number }) =>
    version.newerNoncurrent >= newerKept && dueAt({ days }, version.noncurrentAt) <= nowMs;
  if (rules.some(({ noncurrentExpiration: one }) => one && isDue(one))) return { kind: "expire" };
  return coldest(
    version,
    rules.flatMap((rule) =>
      (rule.noncurrentTransitions ?? [])
        .filter((one) => isDue(one) && mayMove(lifecycle, rule, version, one.storageClass))
        .map(({ storageClass }) => storageClass),
    ),
  );
}

/** Whether a marker goes that hides nothing any more. A rule that expires by days takes them too, once they are that old. */
export function isMarkerDue(
  { rules }: Lifecycle,
  { key, modifiedMs }: { key: string; modifiedMs: number },
  nowMs: number,
): boolean {
  return rules.some(
    ({ isEnabled, filter, expiration }) =>
      isEnabled &&
      expiration &&
      filter.tags === undefined &&
      filter.sizeBytesAbove === undefined &&
      filter.sizeBytesBelow === undefined &&
      key.startsWith(filter.prefix ?? "") &&
      ("markersAlone" in expiration ||
        ("days" in expiration && dueAt(expiration, modifiedMs) <= nowMs)),
  );
}

/** Whether an upload in parts is given up. */
export function isUploadDue(
  lifecycle: Lifecycle,
  upload: { key: string; startedMs: number },
  nowMs: number,
): boolean {
  const end = endOfUpload(lifecycle, upload);
  return end !== undefined && end.at <= nowMs;
}

/** When an upload in parts will be given up, and by which rule; the first of several. */
export function endOfUpload(
  { rules }: Lifecycle,
  { key, startedMs }: { key: string; startedMs: number },
): { at: number; ruleId: string } | undefined {
  let first: { at: number; ruleId: string } | undefined;
  for (const { id, isEnabled, filter, abortUploadsDays: days } of rules) {
    if (!isEnabled || days === undefined || !key.startsWith(filter.prefix ?? "")) continue;
    const at = dueAt({ days }, startedMs);
    if (!first || at < first.at) first = { at, ruleId: id };
  }
  return first;
}

/** When the current version of a key will expire, and by which rule; the first of several. */
export function expiryOf(
  lifecycle: Lifecycle,
  object: Aged,
): { at: number; ruleId: string } | undefined {
  let first: { at: number; ruleId: string } | undefined;
  for (const { id, expiration } of rulesAbout(lifecycle, object)) {
    if (!expiration || !isTime(expiration)) continue;
    const at = dueAt(expiration, object.modifiedMs);
    if (!first || at < first.at) first = { at, ruleId: id };
  }
  return first;
}

/** S3 counts days from the next midnight on, in UTC. */
function dueAt(when: LifecycleTime, sinceMs: number): number {
  return "at" in when ? when.at : Math.ceil((sinceMs + when.days * dayMs) / dayMs) * dayMs;
}

const isTime = (one: NonNullable<LifecycleRule["expiration"]>): one is LifecycleTime =>
  !("markersAlone" in one);

function rulesAbout({ rules }: Lifecycle, object: Aged): LifecycleRule[] {
  return rules.filter(({ isEnabled, filter }) => isEnabled && isAbout(filter, object));
}

function isAbout(filter: LifecycleFilter, { key, sizeBytes, tags = {} }: Aged): boolean {
  const { prefix = "", tags: wanted = {}, sizeBytesAbove, sizeBytesBelow } = filter;
  return (
    key.startsWith(prefix) &&
    (sizeBytesAbove === undefined || sizeBytes > sizeBytesAbove) &&
    (sizeBytesBelow === undefined || sizeBytes < sizeBytesBelow) &&
    Object.entries(wanted).every(([name, value]) => tags[name] === value)
  );
}

/** Small objects cost more to move than they save, so that S3 leaves them unless a rule names sizes. */
function mayMove(
  { transitionsSmall }: Lifecycle,
  { filter }: LifecycleRule,
  { sizeBytes }: Aged,
  storageClass: string,
): boolean {
  if (filter.sizeBytesAbove !== undefined || filter.sizeBytesBelow !== undefined) return true;
  if (sizeBytes >= smallBytes) return true;
  return (
    transitionsSmall === true && (storageClass === "GLACIER" || storageClass === "DEEP_ARCHIVE")
  );
}

function coldest({ storageClass }: Aged, wanted: readonly string[]): Fate | undefined {
  let found = storageClass;
  for (const one of wanted) if (coldness(one) > coldness(found)) found = one;
  return found === storageClass ? undefined : { kind: "move", storageClass: found };
}
