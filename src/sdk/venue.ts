import type { Definition } from "./definition.ts";
import type { TaskFailed } from "./failures.ts";

/** One call of a task: what runs, on which arguments. */
export interface Call {
  definition: Definition;
  kind: "call" | "map" | "starmap" | "reduce" | "map-reduce";
  /** What each task is given, encoded: all of it, or as it is made. */
  inputs: string[] | AsyncIterable<string>;
  /** "values": a task that fails does not end the others. */
  errors: "throw" | "values";
}

/** How one task of a call ended. */
export type Ended = { index: number; value: unknown } | { index: number; failure: TaskFailed };

/** A call that was started. */
export interface Started {
  /** The full name of its step. */
  id(): Promise<string>;
  /** The first task's value; throws TaskFailed. */
  first(): Promise<unknown>;
  /** How its tasks ended. May be asked for again. */
  ended(order: "index" | "finish"): AsyncIterable<Ended[]>;
}

/** Where calls are carried out: on a cloud, durably, from within a job; or in this process. */
export interface Venue {
  /** Starts a call. Which call it is counts from when this is called, not from when it is awaited. */
  start(call: Call): Started;
  /** Gives what `make` gave when this place was first passed. */
  record(name: string, make: () => unknown): Promise<unknown>;
}
