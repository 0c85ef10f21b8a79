import { CanopyError } from "#/base/errors.ts";
import { encodeValue } from "#/model/value.ts";
import { currentVenue, runJob } from "./context.ts";
import {
  definitionSymbol,
  type Definition,
  type JobDefinition,
  type MapReduceDefinition,
  type TaskDefinition,
} from "./definition.ts";
import { foldable, reduceTree } from "./fold.ts";
import { manyResults } from "./many.ts";
import type {
  Handle,
  Items,
  Job,
  JobOptions,
  MapOptions,
  MapReduce,
  MapReduceOptions,
  Task,
  TaskOptions,
} from "./task.ts";
import type { Call, Venue } from "./venue.ts";

/**
 * Makes a task of a function. Export it: a machine finds it by the name it is exported by. Arguments
 * and results cross between processes: plain data, and also undefined, NaN, bigint, Date, Map, Set
 * and Uint8Array.
 */
export function task<A extends unknown[], R>(
  run: (...args: A) => R,
  options: TaskOptions = {},
): Task<A, Awaited<R>> {
  requireFunction(run, "task");
  const definition: TaskDefinition = {
    type: "task",
    options,
    run: foldable(run as TaskDefinition["run"]),
  };
  return taskOf<A, Awaited<R>>(definition, currentVenue);
}

/**
 * Makes a job of a function: plain code that calls tasks. On a cloud it is durable: each call it makes
 * is a step that is kept, and after a crash it is run again from the top, each call getting what it got
 * before. So between its calls it has to do the same each time: take the time, chance and effects from
 * `now`, `random` and `sideEffect`.
 */
export function job<A extends unknown[], R>(
  run: (...args: A) => R,
  options: JobOptions = {},
): Job<A, Awaited<R>> {
  requireFunction(run, "job");
  const own = run as (...args: unknown[]) => unknown;
  const durable = (...args: unknown[]) => runJob(() => own(...args));
  Object.defineProperty(durable, "name", { value: run.name });
  const definition: JobDefinition = { type: "job", options, run: durable };
  const call = async (...args: A): Promise<Awaited<R>> => await run(...args);
  return withDefinition(call, definition);
}

/** Makes a map-reduce of two or three functions. Export it. */
export function mapReduce<I, K, V, R>(options: MapReduceOptions<I, K, V, R>): MapReduce<I, K, R> {
  const { map, combine, reduce, ...rest } = options as MapReduceOptions<
    unknown,
    unknown,
    unknown,
    unknown
  >;
  const definition: MapReduceDefinition = { type: "map-reduce", options: rest, map, reduce };
  if (combine) definition.combine = combine;
  return mapReduceOf<I, K, R>(definition, currentVenue);
}

function requireFunction(run: unknown, what: "task" | "job"): void {
  if (typeof run === "function") return;
  throw new CanopyError(
    "invalid",
    `Cannot make a ${what} as its first argument must be a function: it is of type ${typeof run}`,
    { hint: `Options come second: ${what}(async () => …, { … })` },
  );
}

/** The callable face of a task's definition; `venue` tells where its calls go. */
export function taskOf<A extends unknown[], R>(
  definition: TaskDefinition,
  venue: () => Venue,
): Task<A, R> {
  const start = (
    kind: Call["kind"],
    inputs: Call["inputs"],
    errors: Call["errors"] = "throw",
    at = venue(),
  ) => at.start({ definition, kind, inputs, errors });
  const many = (kind: Call["kind"], inputs: Call["inputs"], options: MapOptions) =>
    manyResults(start(kind, inputs, options.errors), options);

  const call = (...args: A): Promise<R> => start("call", [encodeValue(args)]).first() as Promise<R>;
  const methods = {
    map: (items: Items<unknown>, options: MapOptions = {}) =>
      many(
        "map",
        encoded(items, (item) => [item]),
        options,
      ),
    starmap: (items: Items<A>, options: MapOptions = {}) =>
      many(
        "starmap",
        encoded(items, (args) => [...args]),
        options,
      ),
    spawn: (...args: A): Handle<R> => {
      const started = start("call", [encodeValue(args)]);
      const result = started.first() as Promise<R>;
      result.catch(() => {}); // it need not be asked for
      return { id: async () => `${await started.id()}/0`, result: () => result };
    },
    reduce: (items: Items<R>, ...initial: [R?]) => {
      const at = venue();
      return reduceTree(items, initial, (chunks) =>
        manyResults(
          start(
            "reduce",
            encoded(chunks, (chunk) => [chunk]),
            "throw",
            at,
          ),
          {},
        ),
      );
    },
    with: (options: TaskOptions) => {
      const origin = definition.origin ?? definition;
      return taskOf<A, R>(
        { ...definition, options: { ...definition.options, ...options }, origin },
        venue,
      );
    },
  };
  return withDefinition(Object.assign(call, methods), definition) as unknown as Task<A, R>;
}

/** The same for a map-reduce. */
export function mapReduceOf<I, K, R>(
  definition: MapReduceDefinition,
  venue: () => Venue,
): MapReduce<I, K, R> {
  const face: MapReduce<I, K, R> = {
    run(items) {
      const inputs = encoded(items, (item) => item);
      const started = venue().start({ definition, kind: "map-reduce", inputs, errors: "throw" });
      return manyResults<[K, R]>(started, { ordered: true }, (pairs) => pairs as [K, R][]);
    },
    with(options) {
      const origin = definition.origin ?? definition;
      return mapReduceOf<I, K, R>(
        { ...definition, options: { ...definition.options, ...options }, origin },
        venue,
      );
    },
  };
  return withDefinition(face, definition);
}

function withDefinition<T extends object>(face: T, definition: Definition): T {
  Object.defineProperty(face, definitionSymbol, { value: definition });
  return face;
}

/** Inputs as text: of an array all at once, as it is at hand; of all else as it is made. */
function encoded<T>(
  items: Items<T>,
  argumentsOf: (item: T) => unknown,
): string[] | AsyncIterable<string> {
  if (Array.isArray(items)) return (items as T[]).map((item) => encodeValue(argumentsOf(item)));
  return (async function* () {
    for await (const item of items) yield encodeValue(argumentsOf(item));
  })();
}
