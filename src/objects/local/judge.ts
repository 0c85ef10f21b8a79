import type { WriteCondition } from "../object-store.ts";
import type { ObjectVersion, Retention } from "../object-version.ts";
import { locked, noSuchKey, preconditionFailed } from "./errors.ts";
import type { VersionRow } from "./rows.ts";

/** Throws where the current version is not as a write asked. `current` is undefined for none, and for a delete marker. */
export function requireCondition(
  key: string,
  current: VersionRow | undefined,
  condition: WriteCondition | undefined,
): void {
  if (!condition) return;
  const { ifMatch, ifNoneMatch, ifModifiedMs, ifSizeBytes } = condition;
  if (ifNoneMatch !== undefined && current) throw preconditionFailed("If-None-Match");
  if (ifMatch === undefined && ifModifiedMs === undefined && ifSizeBytes === undefined) return;
  if (!current) throw noSuchKey(key);
  const { etag, modifiedMs, sizeBytes } = JSON.parse(current.body) as ObjectVersion;
  if (ifMatch !== undefined && ifMatch !== "*" && ifMatch !== etag)
    throw preconditionFailed("If-Match");
  // HTTP tells dates in seconds.
  if (ifModifiedMs !== undefined && secondsOf(ifModifiedMs) !== secondsOf(modifiedMs))
    throw preconditionFailed("x-amz-if-match-last-modified-time");
  if (ifSizeBytes !== undefined && ifSizeBytes !== sizeBytes)
    throw preconditionFailed("x-amz-if-match-size");
}

const secondsOf = (ms: number) => Math.floor(ms / 1000);

/** Throws "AccessDenied" for a version that may not go yet. */
export function requireUnlocked(
  row: VersionRow,
  now: number,
  { mayBypassGovernance = false }: { mayBypassGovernance?: boolean | undefined } = {},
): void {
  // Few are locked; the words are looked for before all of it is read.
  if (!row.body.includes('"retention":') && !row.body.includes('"hasLegalHold":')) return;
  const { retention, hasLegalHold } = JSON.parse(row.body) as ObjectVersion;
  if (hasLegalHold) throw locked();
  if (!retention || retention.untilMs <= now) return;
  if (retention.mode === "COMPLIANCE" || !mayBypassGovernance) throw locked();
}

/** Throws "AccessDenied" where a retention may not be changed to `next`: it may always be made longer, in its mode. */
export function requireRetention(
  before: Retention | undefined,
  next: Retention | null,
  now: number,
  { mayBypassGovernance = false }: { mayBypassGovernance?: boolean | undefined } = {},
): void {
  if (!before || before.untilMs <= now) return;
  const isKept = next !== null && next.untilMs >= before.untilMs && next.mode === before.mode;
  if (isKept) return;
  if (before.mode === "COMPLIANCE" || !mayBypassGovernance) throw locked();
}
