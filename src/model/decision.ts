import type { RecordOf } from "./record.ts";

/**
 * Something that Canopy decided by itself, and why. Named after what it is about, and numbered there in
 * the order of time: "j0f3k2m9x1ab2/0000000007". Decisions leave memory at once and stay in the log.
 */
export type DecisionRecord = RecordOf<"decision", DecisionSpec, object>;

export interface DecisionSpec {
  readonly at: number;
  readonly action: DecisionAction;
  /** What was done, in one sentence. */
  readonly what: string;
  /** Why: what was seen, and the rule that it met. */
  readonly why: readonly string[];
  /** The smallest change that would have led to another decision. */
  readonly flip?: string;
  /** The order, machine or task that it is about, too. */
  readonly subject?: string;
  /** What else could have been done, and why it was not. */
  readonly others?: readonly { readonly what: string; readonly whyNot: string }[];
}

/** Numbers have so many digits, so that their order is that of names. */
const digits = 10;

/** The name of a decision about something. */
export function decisionName(about: string, { at, action, subject }: DecisionSpec): string {
  const key = Math.floor(at).toString(36).padStart(digits, "0");
  return `${about}/${key}.${action}${subject === undefined ? "" : `.${subject}`}`;
}

export const decisionActions = [
  "buy",
  "release",
  "hold",
  "stop",
  "warn",
  "shift",
  "copy",
  "end",
  "slow",
  "isolate",
  "readmit",
  "move",
] as const;
/**
 * "hold" is to do nothing although something was off; "warn" is that a goal will not be kept, or that something
 * is off about which nothing can be done; "copy" begins a second attempt of a task, "end" ends one; "slow", "isolate" and
 * "readmit" are about a machine or a job that misbehaves; "move" binds an instance to another machine.
 */
export type DecisionAction = (typeof decisionActions)[number];
