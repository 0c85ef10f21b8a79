import type { TaskFailed } from "./failures.ts";

/** What tasks of one kind need, and how they are treated. */
export interface TaskOptions {
  /** What people see it as; the exported name when absent. */
  title?: string;
  /** CPUs, 1 when absent; may be a fraction. */
  cpus?: number;
  /** Memory, as bytes or "512MiB". */
  memory?: number | string;
  /** An attempt is ended after this: milliseconds, or "90s", "10m". */
  timeout?: number | string;
  /** Failed attempts that are tried again; 2 when absent. */
  retries?: number;
  /** The wait before the first of them, which doubles: milliseconds, or "500ms". */
  retryDelay?: number | string;
  /** Labels that a machine must carry. */
  labels?: Record<string, string>;
  /** Take the result of an earlier run of the same code with the same input, where there is one. */
  reuse?: boolean;
  /** False for what may not be under way twice at once: it gets no second attempt beside a slow one. */
  speculate?: boolean;
  /** The tasks of one call run all at once or not at all; with `minimum`, at least so many of them at once. See `gangPlace`. */
  gang?: boolean | { minimum?: number };
}

/** Many, whether at hand or made as they are needed. */
export type Items<T> = Iterable<T> | AsyncIterable<T>;

export interface MapOptions<Errors extends "throw" | "values" = "throw" | "values"> {
  /** Give results by the order of their items (true, when absent) or as they finish. */
  ordered?: boolean;
  /** A task that fails for good throws TaskFailed and ends the call, or is given as a value among the results. */
  errors?: Errors;
}

/** The results of many tasks: `await` them all as an array, or take them with `for await` as they come. */
export interface Results<R> extends AsyncIterable<R>, PromiseLike<R[]> {}

/** A task that was started, and need not be waited for. */
export interface Handle<R> {
  /** Its full name on the cloud, to ask `canopy why` about it. */
  id(): Promise<string>;
  /** Throws TaskFailed when it failed for good. */
  result(): Promise<R>;
}

/** The item of a function that can be called with one argument. */
type Item<A extends unknown[]> = [A[0]] extends A ? A[0] : never;

/** Only what folds two into one of the same kind can reduce. */
type Fold<A extends unknown[], R> = [R, R] extends A
  ? (items: Items<R>, initial?: R) => Promise<R>
  : never;

/**
 * A function that runs as tasks. Called within a job on a cloud, each call is a durable step of that
 * job; anywhere else (in another task, in a test, in a program) it runs in this process, with the same
 * results and errors.
 */
export interface Task<A extends unknown[], R> {
  /** Runs it once. Throws TaskFailed when it failed for good. */
  (...args: A): Promise<R>;
  /** Runs it once for each item. */
  map(items: Items<Item<A>>, options?: MapOptions<"throw">): Results<R>;
  map(items: Items<Item<A>>, options: MapOptions): Results<R | TaskFailed>;
  /** Runs it once for each list of arguments. */
  starmap(items: Items<A>, options?: MapOptions<"throw">): Results<R>;
  starmap(items: Items<A>, options: MapOptions): Results<R | TaskFailed>;
  /** Starts it, and goes on. */
  spawn(...args: A): Handle<R>;
  /**
   * Folds many into one, as a tree of tasks: the function must be associative. The order of items is
   * kept. Throws TypeError when there are no items and no initial value.
   */
  readonly reduce: Fold<A, R>;
  /** The same function, with other needs. */
  with(options: TaskOptions): Task<A, R>;
}

/** A whole piece of work: plain code that calls tasks, and that survives a crash at any line. */
export interface Job<A extends unknown[], R> {
  (...args: A): Promise<R>;
}

export interface JobOptions {
  title?: string;
  /** -100 to 100; a higher one goes first within its project. */
  priority?: number;
  memory?: number | string;
  /** Ends the job's own function, and with it the job, after this. */
  timeout?: number | string;
  labels?: Record<string, string>;
}

export interface MapReduceOptions<I, K, V, R> extends TaskOptions {
  /** Emits pairs for one item. */
  map(item: I, emit: (key: K, value: V) => void): void | Promise<void>;
  /** Makes one value of several of one key, before they cross the network; may be given what it made before. */
  combine?(key: K, values: V[]): V;
  /** Makes one result of all values of one key. */
  reduce(key: K, values: V[]): R | Promise<R>;
  /** Reduce tasks; 8 when absent. */
  partitions?: number;
}

/** A map-reduce over items, shuffled in memory between machines. */
export interface MapReduce<I, K, R> {
  /** Pairs of a key and its result, in no particular order of keys. */
  run(items: Items<I>): Results<[K, R]>;
  with(options: TaskOptions & { partitions?: number }): MapReduce<I, K, R>;
}
