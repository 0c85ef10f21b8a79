import { coldness, type LifecycleRule, type LifecycleTime } from "#/model/bucket-lifecycle.ts";
import { invalidArgument, invalidRequest } from "./errors.ts";

const actions = [
  ["Expiration", "expiration"],
  ["Transition", "transitions"],
  ["NoncurrentVersionExpiration", "noncurrentExpiration"],
  ["NoncurrentVersionTransition", "noncurrentTransitions"],
  ["AbortIncompleteMultipartUpload", "abortUploadsDays"],
] as const;

/**
 * Rules of the old form, with a prefix and no filter, may not do the same to the same objects; those with filters may, and the one
 * that S3 prefers wins. Throws "InvalidRequest".
 */
export function checkApart(rules: readonly LifecycleRule[]): void {
  const old = rules.filter(({ filterForm }) => filterForm === "legacy");
  for (const [name, field] of actions) {
    const prefixes = old
      .filter((rule) => rule[field] !== undefined)
      .map(({ filter }) => filter.prefix ?? "")
      .sort();
    // Sorted, what begins with another prefix follows it, or what begins with it too.
    for (const [index, prefix] of prefixes.entries()) {
      const before = prefixes[index - 1];
      if (before === undefined || !prefix.startsWith(before)) continue;
      const what =
        prefix === before
          ? `two rules with same prefix '${prefix}'`
          : `overlapping prefixes '${before}' and '${prefix}'`;
      throw invalidRequest(`Found ${what} for same action type '${name}'`);
    }
  }
}

/** Objects move from warm to cold: what is colder comes later. Throws "InvalidArgument". */
export function checkWaterfall({
  filter,
  transitions = [],
  noncurrentTransitions = [],
}: LifecycleRule): void {
  const about = `for filter '(prefix=${filter.prefix ?? ""})'`;
  inOrder(transitions, "Transition", "Days", about);
  inOrder(
    noncurrentTransitions.map(({ days, storageClass }) => ({ when: { days }, storageClass })),
    "NoncurrentVersionTransition",
    "NoncurrentDays",
    about,
  );
}

function inOrder(
  moves: readonly { when: LifecycleTime; storageClass: string }[],
  action: string,
  days: string,
  about: string,
): void {
  const sorted = moves.toSorted((a, b) => coldness(a.storageClass) - coldness(b.storageClass));
  for (const [index, { when, storageClass }] of sorted.entries()) {
    const warmer = sorted[index - 1];
    if (!warmer) continue;
    if ("days" in when !== "days" in warmer.when)
      throw invalidRequest(
        `Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule ${about}`,
      );
    if (timeOf(when) > timeOf(warmer.when)) continue;
    const what = "days" in when ? days : "Date";
    throw invalidArgument(
      `'${what}' in the ${action} action for StorageClass '${storageClass}' ${about} must be greater than '${what}' in the ${action} action for StorageClass '${warmer.storageClass}' ${about}`,
      what,
    );
  }
}

const timeOf = (when: LifecycleTime): number => ("days" in when ? when.days : when.at);
