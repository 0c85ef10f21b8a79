import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { decodeValue, hasTagged, reviveValue } from "#/model/value.ts";
import type { StepView, TaskErrorView } from "#/model/views.ts";
import { bodyOf, jobPath, stepPath, type Client } from "./client.ts";
import { parseLines, wholeLines } from "./lines.ts";

/** How one task ended. */
export interface Outcome {
  /** The number of its step. */
  step: number;
  index: number;
  /** Its result, when it succeeded. */
  value?: unknown;
  /** Why it failed for good. */
  error?: TaskErrorView;
  /** Objects of its declared output files, by path. */
  outputs?: Record<string, string>;
}

/** How a step ended. */
export interface StepEnd {
  phase: StepView["phase"];
  offered: number;
  succeeded: number;
  failed: number;
  cancelled: number;
  reason?: string;
}

interface Line extends Outcome {
  result?: unknown;
  resultObject?: string;
  after?: string;
  end?: StepEnd;
}

export interface ReadOptions {
  /** By number of the task, or as they finish. */
  order: "index" | "finish";
  /** With order "index": the first task to tell. */
  from?: number;
  signal?: AbortSignal | undefined;
}

/**
 * The results of one step as its tasks end, in batches, until the step has ended; gives how it ended.
 * A connection that breaks is made anew and goes on where it was: each task is told once.
 */
export async function* readStep(
  client: Client,
  job: string,
  step: number | string,
  options: ReadOptions,
): AsyncGenerator<Outcome[], StepEnd> {
  const place = new Place(options.order, options.from);
  for await (const lines of reconnecting(client, `${stepPath(job, step)}/results`, options.signal, () =>
    options.order === "index" ? { order: "index", from: place.next } : { order: "finish", after: place.after },
  )) {
    const { outcomes, end } = place.pass(lines.values);
    if (outcomes.length > 0) yield await withValues(client, outcomes, lines.mayHoldTags);
    if (end) return end;
  }
  throw new CanopyError("internal", `Cannot read the results of ${job}/${step} as their stream has no end`);
}

/**
 * The results of all of a job's steps that were given their inputs when they were made, in the order in
 * which the tasks finished; goes on until the reader leaves or the job has ended.
 * Throws CanopyError "not-found" where the cloud has no such call.
 */
export async function* readJob(client: Client, job: string, signal: AbortSignal): AsyncGenerator<Outcome[], void> {
  const place = new Place("finish");
  for await (const lines of reconnecting(client, `${jobPath(job)}/results`, signal, () => ({ after: place.after }))) {
    const { outcomes, end } = place.pass(lines.values);
    if (outcomes.length > 0) yield await withValues(client, outcomes, lines.mayHoldTags);
    if (end) return;
  }
}

interface Lines {
  values: Line[];
  mayHoldTags: boolean;
}

/** Lines from a call that is made again, from where it was, each time its connection breaks before the "end" line. */
async function* reconnecting(
  client: Client,
  path: string,
  signal: AbortSignal | undefined,
  query: () => Record<string, string | number | undefined>,
): AsyncGenerator<Lines> {
  for (let turn = 0; ; turn++) {
    const headers = { accept: "application/x-ndjson" };
    const response = await client.http.send("GET", path, { query: query(), headers, signal });
    try {
      for await (const text of wholeLines(bodyOf(response))) {
        turn = 0;
        yield { values: parseLines<Line>(text), mayHoldTags: hasTagged(text) };
      }
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof CanopyError) throw thrown;
    }
    await sleep(client.http.clock, Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax), signal);
  }
}

/** How far a stream was read, so that a second connection neither repeats nor leaves out. */
class Place {
  next: number;
  after: string | undefined;
  /** Tasks told since `after`: a connection that begins there tells them again. */
  #told = new Set<string>();

  readonly #order: "index" | "finish";

  constructor(order: "index" | "finish", next = 0) {
    this.#order = order;
    this.next = next;
  }

  pass(lines: Line[]): { outcomes: Line[]; end: StepEnd | undefined } {
    const outcomes: Line[] = [];
    let end: StepEnd | undefined;
    for (const line of lines) {
      if (line.index !== undefined) {
        if (this.#isNew(line)) outcomes.push(line);
      }
      if (line.after !== undefined) {
        this.after = line.after;
        this.#told.clear();
      }
      if (line.end) end = line.end;
    }
    return { outcomes, end };
  }

  #isNew({ step, index }: Line): boolean {
    if (this.#order === "index") {
      if (index < this.next) return false;
      this.next = index + 1;
      return true;
    }
    const name = `${step ?? ""}/${index}`;
    if (this.#told.has(name)) return false;
    this.#told.add(name);
    return true;
  }
}

async function withValues(client: Client, lines: Line[], mayHoldTags: boolean): Promise<Outcome[]> {
  for (const line of lines) {
    if (line.resultObject !== undefined) {
      line.value = decodeValue(Buffer.from(await client.getObject(line.resultObject)).toString());
    } else if (line.error === undefined) {
      line.value = mayHoldTags ? reviveValue(line.result) : line.result;
    }
  }
  return lines;
}
