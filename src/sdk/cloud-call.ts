import { CanopyError } from "#/base/errors.ts";
import type { StepView } from "#/model/views.ts";
import { appendAll } from "./appender.ts";
import type { Client } from "./client.ts";
import { titleOf } from "./definition.ts";
import { TaskFailed } from "./failures.ts";
import { areFew } from "./requests.ts";
import { readStep, type Outcome, type StepEnd } from "./results.ts";
import type { Call, Ended, Started } from "./venue.ts";

/** The steps that carry a call out, once they are made: where its tasks go, and where its results come from. */
export interface MadeSteps {
  job: string;
  first: StepView;
  last: StepView;
}

/**
 * A call on its way on a cloud: its inputs are appended as they are made, and its results read as they
 * are asked for. `settled` resolves when the cloud has all of its tasks.
 */
export function cloudCall(
  client: Client,
  call: Call,
  made: Promise<MadeSteps>,
  options: { signal?: AbortSignal | undefined; onDelivered?: () => void } = {},
): Started & { settled: Promise<void> } {
  const title = titleOf(call.definition);
  const settled = made.then((steps) => appendInputs(client, call, steps));
  settled.catch(() => {}); // told by who waits for results

  async function* ended(order: "index" | "finish"): AsyncGenerator<Ended[]> {
    const { job, last } = await made;
    const batches = withEnd(client, job, last.number, order, options.signal);
    try {
      for await (const batch of orEarlier(batches, settled)) {
        yield batch.map((outcome) => endedOf(outcome, title, `${job}/${last.number}`));
      }
      await settled;
    } finally {
      options.onDelivered?.();
    }
  }

  return {
    settled,
    id: async () => `${(await made).job}/${(await made).last.number}`,
    ended,
    async first() {
      for await (const [first] of ended("index")) {
        options.onDelivered?.();
        if (first && "failure" in first) throw first.failure;
        if (first) return first.value;
      }
      throw new CanopyError(
        "internal",
        `Cannot tell the result of ${title} as its step ended without one`,
      );
    },
  };
}

async function appendInputs(client: Client, call: Call, { job, first }: MadeSteps): Promise<void> {
  if (areFew(call.inputs)) return;
  const count = await appendAll(client, job, first.number, call.inputs, first.tasks.offered);
  if (first.closed && count !== first.tasks.offered) {
    throw new CanopyError(
      "conflict",
      `Cannot run ${job} again as its call ${first.number} (${first.title}) changed: ` +
        `it was given ${first.tasks.offered} items, and now ${count}`,
      { hint: changedHint },
    );
  }
}

export const changedHint =
  "Between its calls a job has to do the same each time: take the time, chance and effects from now(), random() and sideEffect()";

/** A step's results; what ended it is thrown when no task's failure tells it. */
async function* withEnd(
  client: Client,
  job: string,
  step: number,
  order: "index" | "finish",
  signal: AbortSignal | undefined,
): AsyncGenerator<Outcome[]> {
  const batches = readStep(client, job, step, { order, signal });
  let hasFailure = false;
  for (;;) {
    const { done, value } = await batches.next();
    if (done) return checkEnd(value, hasFailure, `${job}/${step}`);
    hasFailure ||= value.some((outcome) => outcome.error !== undefined);
    yield value;
  }
}

function checkEnd(end: StepEnd, hasFailure: boolean, step: string): void {
  if (end.phase === "succeeded" || hasFailure) return;
  throw new CanopyError(
    "conflict",
    `Cannot give all results as step ${step} ${end.phase}: ${end.reason ?? "no reason was given"}`,
    {
      hint: `Ask with: canopy why ${step.split("/")[0]}`,
    },
  );
}

/** The batches; but when `work` fails first, what it failed with. */
async function* orEarlier<T>(batches: AsyncIterable<T>, work: Promise<void>): AsyncGenerator<T> {
  const iterator = batches[Symbol.asyncIterator]();
  let isWorking = true;
  const failed = work.then(() => {
    isWorking = false;
    return new Promise<never>(() => {});
  });
  failed.catch(() => {});
  try {
    for (;;) {
      const next = iterator.next();
      const result = isWorking ? await Promise.race([next, failed]) : await next;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    void iterator.return?.(undefined);
  }
}

function endedOf({ index, value, error }: Outcome, title: string, step: string): Ended {
  if (error === undefined) return { index, value };
  return { index, failure: new TaskFailed(title, `${step}/${index}`, index, error) };
}
