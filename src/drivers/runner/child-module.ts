import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { decodeValue } from "#/model/value.ts";
import { runMap } from "./child-map.ts";
import { InputError, type Step, type Task } from "./child-task.ts";

/** What the SDK hangs on a function that a module exports. A plain function counts as a task. */
export interface Definition {
  type: "task" | "job" | "map-reduce";
  run?: (...args: unknown[]) => unknown;
  map?: (input: unknown, emit: (key: unknown, value: unknown) => void) => unknown;
  combine?: (key: unknown, values: unknown[]) => unknown;
  reduce?: (key: unknown, values: unknown[]) => unknown;
}

const definitionSymbol = Symbol.for("canopy.definition");
let exported: Record<string, unknown> = {};

/** Loads the user's module; rejects with whatever it throws. */
export async function loadModule(path: string): Promise<void> {
  exported = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
}

/** The call that a step's tasks make. Throws an Error for people when the module has no such thing. */
export function callOf(step: Step): (task: Task) => unknown {
  const definition = definitionOf(step);
  if (step.role === "map") {
    const { map, combine } = definition;
    if (map) return (task) => runMap(task, inputOf(task), map, combine);
  } else if (step.role === "reduce") {
    const { reduce } = definition;
    if (reduce) return (task) => task.reduction!.run(reduce);
  } else if (definition.run) {
    const run = definition.run;
    return (task) => {
      const input = inputOf(task);
      return Array.isArray(input) ? run(...(input as unknown[])) : run(input);
    };
  }
  throw new Error(
    `The export '${step.function}' cannot be run as a ${step.role}: it is a ${definition.type}`,
  );
}

/** What the step's export is. Throws an Error that names the exports there are. */
function definitionOf(step: Step): Definition {
  const found = exported[step.function];
  const definition = (found as { [definitionSymbol]?: Definition } | undefined)?.[definitionSymbol];
  if (definition) return definition;
  if (typeof found === "function")
    return { type: "task", run: found as (...args: unknown[]) => unknown };
  const names = Object.keys(exported).join(", ") || "nothing";
  throw new Error(`The module exports no function '${step.function}': it exports ${names}`);
}

/** Reads what a task is given. Throws an InputError when it cannot be read. */
function inputOf(task: Task): unknown {
  try {
    return decodeValue(task.isInputInFile ? readFileSync(task.input, "utf8") : task.input);
  } catch (thrown) {
    throw new InputError(`Cannot read the input: ${(thrown as Error).message}`);
  }
}
