import type { MapOptions, Results } from "./task.ts";
import type { TaskFailed } from "./failures.ts";
import type { Started } from "./venue.ts";

/** The results of a call of many tasks. `spread` tells what one task's value adds; itself when absent. */
export function manyResults<R>(
  started: Started,
  options: MapOptions,
  spread?: (value: unknown) => R[],
): Results<R> {
  const order = options.ordered === false ? "finish" : "index";
  const asValues = options.errors === "values";

  async function* each(): AsyncGenerator<R> {
    let cancelled: TaskFailed | undefined;
    for await (const batch of started.ended(order)) {
      for (const ended of batch) {
        if ("value" in ended) {
          if (spread) yield* spread(ended.value);
          else yield ended.value as R;
        } else if (asValues) yield ended.failure as R;
        // A failure cancels the rest, which may be told first: it is the cause that counts.
        else if (ended.failure.reason === "cancelled") cancelled ??= ended.failure;
        else throw ended.failure;
      }
    }
    if (cancelled) throw cancelled;
  }

  async function all(): Promise<R[]> {
    const results: R[] = [];
    for await (const result of each()) results.push(result);
    return results;
  }

  return {
    [Symbol.asyncIterator]: each,
    // oxlint-disable-next-line unicorn/no-thenable -- it is meant to be awaited
    then: (onResolved, onRejected) => all().then(onResolved, onRejected),
  };
}
