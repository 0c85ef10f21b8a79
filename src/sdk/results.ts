import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { decodeValue, hasTagged, reviveValue } from "#/model/value.ts";
import type { StepView, TaskErrorView } from "#/model/views.ts";
import { stepPath, type Client } from "./client.ts";
import { parseLines, wholeLines } from "./lines.ts";

/** How one task ended. */
export interface Outcome {
  index: number;
  /** Its result, when it succeeded. */
  value?: unknown;
  /** Why it failed for good. */
  error?: TaskErrorView;
  /** Blobs of its declared output files, by path. */
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
  resultBlob?: string;
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
  const path = `${stepPath(job, step)}/results`;
  for await (const lines of reconnecting(client, path, options.signal, () => place.query())) {
    const { outcomes, end } = place.pass(lines.values);
    if (outcomes.length > 0) yield await withValues(client, outcomes, lines.mayHoldTags);
    if (end) return end;
  }
  throw new CanopyError(
    "internal",
    `Cannot read the results of ${job}/${step} as their stream has no end`,
  );
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
    const { body } = await client.http.send("GET", path, { query: query(), headers, signal });
    try {
      for await (const text of wholeLines(body)) {
        turn = 0;
        yield { values: parseLines<Line>(text), mayHoldTags: hasTagged(text) };
      }
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (!(thrown instanceof CanopyError && thrown.code === "unavailable")) throw thrown;
    }
    await sleep(
      client.http.clock,
      Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax),
      signal,
    );
  }
}

/** Characters of a query that name what was told already. */
const haveLengthMax = 4000;

/** How far a stream was read, so that a second connection neither repeats nor leaves out. */
class Place {
  readonly #order: "index" | "finish";
  /** All tasks below it were told. */
  #next: number;
  /** Tasks told beyond that, when they come as they finish. */
  readonly #ahead = new Set<number>();

  constructor(order: "index" | "finish", next = 0) {
    this.#order = order;
    this.#next = next;
  }

  pass(lines: Line[]): { outcomes: Line[]; end: StepEnd | undefined } {
    const last = lines.at(-1);
    const end = last?.end;
    const told = end ? lines.slice(0, -1) : lines;
    return { outcomes: told.filter(({ index }) => this.#isNew(index)), end };
  }

  query(): Record<string, string | number> {
    if (this.#order === "index") return { order: "index", from: this.#next };
    return { order: "finish", have: this.#have() };
  }

  #isNew(index: number): boolean {
    if (index < this.#next || this.#ahead.has(index)) return false;
    if (index > this.#next) {
      this.#ahead.add(index);
      return true;
    }
    this.#next++;
    while (this.#ahead.delete(this.#next)) this.#next++;
    return true;
  }

  /** What was told, as ranges: "0-511,513". What does not fit is told again, and passed over. */
  #have(): string {
    let text = this.#next > 0 ? `0-${this.#next - 1}` : "";
    const ahead = [...this.#ahead].sort((a, b) => a - b);
    for (let at = 0; at < ahead.length && text.length < haveLengthMax;) {
      const from = at;
      while (ahead[at + 1] === ahead[at]! + 1) at++;
      text += `${text && ","}${from === at ? ahead[from] : `${ahead[from]}-${ahead[at]}`}`;
      at++;
    }
    return text;
  }
}

async function withValues(client: Client, lines: Line[], mayHoldTags: boolean): Promise<Outcome[]> {
  for (const line of lines) {
    if (line.resultBlob !== undefined) {
      line.value = decodeValue(Buffer.from(await client.getBlob(line.resultBlob)).toString());
    } else if (line.error === undefined) {
      line.value = mayHoldTags ? reviveValue(line.result) : line.result;
    }
  }
  return lines;
}
