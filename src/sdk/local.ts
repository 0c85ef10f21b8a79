import { decodeValue, encodeValue } from "#/model/value.ts";
import { titleOf, type MapReduceDefinition, type TaskDefinition } from "./definition.ts";
import { TaskFailed } from "./failures.ts";
import type { Call, Ended, Started, Venue } from "./venue.ts";

/** Calls of one map that run at once. */
const concurrencyMax = 16;

/**
 * Carries calls out in this process, for tests, for trying things, and for tasks called by tasks.
 * Arguments and results cross the same encoding as on a cloud, so what works here crosses there too;
 * a task that throws throws TaskFailed here as well. Nothing is retried.
 */
export const localVenue: Venue = {
  start,
  record: async (_name, make) => decodeValue(encodeValue(await make())),
};

function start(call: Call): Started {
  const { definition } = call;
  const title = titleOf(definition);
  const runOne = async (index: number, run: () => unknown): Promise<Ended> => {
    try {
      return { index, value: decodeValue(encodeValue(await run())) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const { message, stack } = error;
      const more = stack === undefined ? {} : { stack };
      return {
        index,
        failure: new TaskFailed(title, `local/${title}/${index}`, index, {
          reason: "threw",
          message,
          ...more,
        }),
      };
    }
  };
  const outcomes =
    definition.type === "map-reduce"
      ? once(() => runMapReduce(definition, call.inputs, runOne))
      : once(() => runAll(definition as TaskDefinition, call, runOne));
  if (call.kind === "call") outcomes().catch(() => {});
  return {
    id: async () => `local/${title}`,
    async first() {
      const [ended] = await outcomes();
      if (ended && "failure" in ended) throw ended.failure;
      return ended?.value;
    },
    async *ended(order) {
      const all = await outcomes();
      yield order === "finish" ? all : all.toSorted((a, b) => a.index - b.index);
    },
  };
}

/** The same work is done once, however often it is asked for. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => (done ??= work());
}

type RunOne = (index: number, run: () => unknown) => Promise<Ended>;

/** Runs all tasks of a call, some at once; gives them as they finished. */
async function runAll(definition: TaskDefinition, call: Call, runOne: RunOne): Promise<Ended[]> {
  const finished: Ended[] = [];
  const running = new Set<Promise<void>>();
  let index = 0;
  for await (const input of call.inputs) {
    const args = decodeValue(input) as unknown[];
    const one = runOne(index++, () => definition.run(...args)).then((ended) => {
      finished.push(ended);
      running.delete(one);
    });
    running.add(one);
    if (running.size >= concurrencyMax) await Promise.race(running);
    if (call.errors === "throw" && finished.some((ended) => "failure" in ended)) break;
  }
  await Promise.all(running);
  return finished;
}

async function runMapReduce(
  definition: MapReduceDefinition,
  inputs: Call["inputs"],
  runOne: RunOne,
): Promise<Ended[]> {
  const groups = new Map<string, unknown[]>();
  let index = 0;
  for await (const input of inputs) {
    const pairs: [string, unknown][] = [];
    const mapped = await runOne(index++, () =>
      definition.map(
        decodeValue(input),
        (key, value) => void pairs.push([encodeValue(key), decodeValue(encodeValue(value))]),
      ),
    );
    if ("failure" in mapped) return [mapped];
    for (const [key, value] of pairs) {
      const values = groups.get(key);
      if (values) values.push(value);
      else groups.set(key, [value]);
    }
  }
  const reduced = await runOne(0, async () => {
    const results: [unknown, unknown][] = [];
    for (const [text, values] of groups) {
      const key = decodeValue(text);
      const combined =
        definition.combine && values.length > 1 ? [definition.combine(key, values)] : values;
      results.push([key, await definition.reduce(key, combined)]);
    }
    return results;
  });
  return [reduced];
}
