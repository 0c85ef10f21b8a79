import type { JobOptions, MapReduceOptions, TaskOptions } from "./task.ts";

/** By this member a runner, and this SDK, know an exported function as a task, a job or a map-reduce. */
export const definitionSymbol = Symbol.for("canopy.definition");

/** What an exported function is. */
export type Definition = TaskDefinition | JobDefinition | MapReduceDefinition;

export interface TaskDefinition {
  type: "task";
  options: TaskOptions;
  run(...args: unknown[]): unknown;
  /** The definition that was exported, when this one only has other needs. */
  origin?: Definition;
}

export interface JobDefinition {
  type: "job";
  options: JobOptions;
  run(...args: unknown[]): unknown;
  origin?: Definition;
}

export interface MapReduceDefinition {
  type: "map-reduce";
  options: TaskOptions & { partitions?: number };
  map: MapReduceOptions<unknown, unknown, unknown, unknown>["map"];
  combine?: (key: unknown, values: unknown[]) => unknown;
  reduce(key: unknown, values: unknown[]): unknown;
  origin?: Definition;
}

export function definitionOf(value: unknown): Definition | undefined {
  if ((typeof value !== "function" && typeof value !== "object") || value === null)
    return undefined;
  return (value as { [definitionSymbol]?: Definition })[definitionSymbol];
}

const names = new WeakMap<Definition, string>();

/** Tells definitions the names they are exported by. A bundle calls it once, with all of its exports. */
export function nameExports(exports: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(exports)) {
    const definition = definitionOf(value);
    if (definition && !names.has(definition)) names.set(definition, name);
  }
}

/** The name by which a runner finds it; undefined when it is not exported, or the module is not a bundle. */
export function exportedName(definition: Definition): string | undefined {
  return names.get(definition.origin ?? definition);
}

/** What people see it as. */
export function titleOf(definition: Definition): string {
  if (definition.options.title !== undefined) return definition.options.title;
  const name = exportedName(definition);
  if (name !== undefined && name !== "default") return name;
  return ("run" in definition && definition.run.name) || definition.type;
}
