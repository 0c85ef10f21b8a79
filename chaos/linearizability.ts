/**
 * Whether a history of calls could have been made to one thing that carries them out one at a time,
 * each at some instant between its call and its answer: linearizability (Herlihy and Wing, 1990).
 *
 * Trying every order is hopeless, so this searches as Wing and Gong do (1993), with Lowe's memory
 * (2017): walk the calls in the order of time; carry one out when its answer fits the state, and
 * begin anew with the rest; at an answer whose call was not carried out, take the last choice back.
 * A set of calls done that led to the same state before is not walked again. A call without an
 * answer may have been carried out at any time since, or never: it has no instant at which it must
 * be done, and need not be done at the end. Many of those would make too much to try, so of equal ones
 * the first is taken first, as it can stand in for any later, and one that changes nothing is not taken.
 *
 * Imports nothing: what judges shares nothing with what is judged.
 */
export interface Operation<Input, Output> {
  readonly input: Input;
  /** Undefined when no answer came: nobody knows whether it was carried out. */
  readonly output: Output | undefined;
  /** By one clock for the whole history, in any unit. */
  readonly calledAt: number;
  /** Nothing is read of it when there is no output. */
  readonly answeredAt: number;
}

/** The thing as it ought to be, one call at a time. */
export interface Model<State, Input, Output> {
  readonly initial: State;
  /** The state after the call; undefined when it would not have answered so. Any answer fits an `output` of undefined. */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Equal for equal states only. */
  keyOf(state: State): string;
}

export type Verdict =
  /** `order`: places in the history, one order that explains it. */
  | { linearizable: true; order: number[] }
  /** `longest`: the most calls that any order explains; `stuck`: those that could have come next, and fit nowhere. */
  | { linearizable: false; longest: number[]; stuck: number[] };

interface Entry {
  /** Place of its operation in the history. */
  readonly at: number;
  readonly isCall: boolean;
  /** Of a call: its answer. */
  answer: Entry | undefined;
  before: Entry;
  after: Entry | undefined;
}

/** Throws when more than `statesMax` pairs of a set and a state were met: the verdict is then not known. */
export function checkLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
  statesMax = 5_000_000,
): Verdict {
  const head = linkedEntries(history);
  const twins = earlierTwins(history);
  const seen = new Set<string>();
  const chosen: { entry: Entry; state: State }[] = [];
  let longest: number[] = [];
  let stuck: number[] = [];
  let done = 0n;
  let state = model.initial;
  let answersLeft = history.filter(({ output }) => output !== undefined).length;
  let entry = head.after;
  while (answersLeft > 0) {
    if (entry?.isCall) {
      const { input, output } = history[entry.at]!;
      const bit = 1n << BigInt(entry.at);
      const twin = twins[entry.at];
      const isLaterTwin = twin !== undefined && (done & (1n << BigInt(twin))) === 0n;
      const next = isLaterTwin ? undefined : model.step(state, input, output);
      const stateKey = next === undefined ? undefined : model.keyOf(next);
      const isIdle = output === undefined && stateKey === model.keyOf(state);
      const key = `${(done | bit).toString(36)} ${stateKey}`;
      if (next === undefined || isIdle || seen.has(key)) {
        entry = entry.after;
        continue;
      }
      if (seen.size === statesMax)
        throw new Error(`Cannot judge the history as it has more than ${statesMax} states`);
      seen.add(key);
      chosen.push({ entry, state });
      state = next;
      done |= bit;
      unlink(entry);
      if (output !== undefined) answersLeft -= 1;
      entry = head.after;
      continue;
    }
    if (chosen.length >= longest.length) {
      longest = chosen.map((choice) => choice.entry.at);
      stuck = callsBefore(head, entry);
    }
    const last = chosen.pop();
    if (!last) return { linearizable: false, longest, stuck };
    state = last.state;
    done &= ~(1n << BigInt(last.entry.at));
    relink(last.entry);
    if (history[last.entry.at]!.output !== undefined) answersLeft += 1;
    entry = last.entry.after;
  }
  return { linearizable: true, order: chosen.map((choice) => choice.entry.at) };
}

/** Of each call without an answer, the last one called before it with an input that is equal as JSON. */
function earlierTwins(history: readonly Operation<unknown, unknown>[]): (number | undefined)[] {
  const twins: (number | undefined)[] = [];
  const last = new Map<string, number>();
  const unanswered = [...history.keys()].filter((at) => history[at]!.output === undefined);
  for (const at of unanswered.sort((a, b) => history[a]!.calledAt - history[b]!.calledAt)) {
    const key = JSON.stringify(history[at]!.input);
    twins[at] = last.get(key);
    last.set(key, at);
  }
  return twins;
}

/** Calls and answers by time, after a head that is neither. What happens at one instant overlaps: calls come first. */
function linkedEntries(history: readonly Operation<unknown, unknown>[]): Entry {
  const timed: { entry: Entry; time: number }[] = [];
  const head: Entry = {
    at: -1,
    isCall: false,
    answer: undefined,
    before: undefined!,
    after: undefined,
  };
  for (const [at, { output, calledAt, answeredAt }] of history.entries()) {
    const call: Entry = { ...head, at, isCall: true };
    timed.push({ entry: call, time: calledAt });
    if (output === undefined) continue;
    call.answer = { ...head, at };
    timed.push({ entry: call.answer, time: answeredAt });
  }
  timed.sort((a, b) => a.time - b.time || Number(b.entry.isCall) - Number(a.entry.isCall));
  let last = head;
  for (const { entry } of timed) {
    entry.before = last;
    last.after = entry;
    last = entry;
  }
  return head;
}

function unlink(call: Entry): void {
  for (const entry of [call, call.answer]) {
    if (!entry) continue;
    entry.before.after = entry.after;
    if (entry.after) entry.after.before = entry.before;
  }
}

/** Undoes `unlink`, the other way round. */
function relink(call: Entry): void {
  for (const entry of [call.answer, call]) {
    if (!entry) continue;
    entry.before.after = entry;
    if (entry.after) entry.after.before = entry;
  }
}

function callsBefore(head: Entry, end: Entry | undefined): number[] {
  const calls: number[] = [];
  for (let entry = head.after; entry && entry !== end; entry = entry.after)
    if (entry.isCall) calls.push(entry.at);
  return calls;
}

/** One record with a revision that grows by one with each change. */
export interface RecordState {
  readonly revision: number;
  readonly value: string;
}

export type RecordInput =
  | { readonly type: "read" }
  | { readonly type: "write"; readonly value: string }
  /** Writes only when the revision is still the expected one. */
  | { readonly type: "swap"; readonly expected: number; readonly value: string };

/** The record as it was then, after the change; or that the revision was another. */
export type RecordOutput = RecordState | "conflict";

/** A record of the API as a model: read, write, and compare-and-swap by its revision. */
export function recordModel(initial: RecordState): Model<RecordState, RecordInput, RecordOutput> {
  return {
    initial,
    step(state, input, output) {
      if (input.type === "swap" && input.expected !== state.revision)
        return output === "conflict" ? state : undefined;
      if (output === "conflict") return undefined;
      const next =
        input.type === "read" ? state : { revision: state.revision + 1, value: input.value };
      const fits =
        output === undefined || (output.revision === next.revision && output.value === next.value);
      return fits ? next : undefined;
    },
    keyOf: ({ revision, value }) => `${revision} ${value}`,
  };
}

/** Judges calls to a record. Those without an answer whose value nobody ever saw are as good as equal. */
export function judgeRecord(
  initial: RecordState,
  calls: readonly Operation<RecordInput, RecordOutput>[],
  statesMax?: number,
): Verdict {
  const seen = new Set(calls.map(({ output }) => typeof output === "object" && output.value));
  const blanked = calls.map((call) => {
    const { input, output } = call;
    const isSeen = input.type === "read" || output !== undefined || seen.has(input.value);
    return isSeen ? call : { ...call, input: { ...input, value: unseen } };
  });
  return checkLinearizable(recordModel(initial), blanked, statesMax);
}

const unseen = "\0";
