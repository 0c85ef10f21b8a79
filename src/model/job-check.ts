import { limits } from "#/base/limits.ts";
import { faultsOfGang } from "./gang-check.ts";
import { findCycle, describeCycle } from "./graph.ts";
import { faultOfValues, gridSize } from "./grid.ts";
import type { JobRequest, StepRequest } from "./job-request.ts";
import { nearestWord } from "./nearest-word.ts";
import { isTooLarge } from "./task.ts";

/**
 * What a schema cannot see in a request: names that mean nothing, circles, a shuffle with one end.
 * Each fault says where it is, so that a job file can point at the line; the API gives the first.
 */
export interface Fault {
  /** Into the request: ["steps", 3, "after", 0]. */
  path: (string | number)[];
  /** The action, the rule, the current value. */
  message: string;
  hint: string;
}

/** What a step must know of another that it names. */
export interface KnownStep {
  /** Paths of the files that it declares. */
  outputs: readonly string[];
  /** Tasks it will have, where that is known before it runs. */
  tasks: number | undefined;
  /** Set for the map side of a shuffle. */
  partitions: number | undefined;
}

/** Names of steps that must have succeeded before this one begins: named, or implied by what it takes from them. */
export function comesAfter({ after, inputs, shuffle }: StepRequest): string[] {
  const names = new Set(after);
  for (const { from } of inputs) if ("step" in from) names.add(from.step);
  if (shuffle?.role === "reduce") names.add(shuffle.from);
  return [...names];
}

/** How many tasks a step will have; undefined where only running tells. */
export function knownTasks({ source, shuffle }: StepRequest): number | undefined {
  if (shuffle?.role === "reduce") return undefined;
  if (source.type === "inputs") return source.inputs.length;
  return source.type === "grid" ? gridSize(source.parameters) : undefined;
}

/** All faults of a whole request, in the order of the request; circles last. */
export function faultsOfJob(request: JobRequest): Fault[] {
  const faults: Fault[] = [];
  const known = new Map<string, KnownStep>();
  request.steps.forEach((step, index) => {
    if (known.has(step.name)) {
      faults.push({
        path: ["steps", index, "name"],
        message: `Cannot name a step '${step.name}' as names must differ within a job: another step has it`,
        hint: "Give one of them another name; steps of one 'title' are still shown together",
      });
    }
    known.set(step.name, {
      outputs: step.outputs.map(({ path }) => path),
      tasks: knownTasks(step),
      partitions: step.shuffle?.role === "map" ? step.shuffle.partitions : undefined,
    });
  });
  const names = () => [...known.keys()];
  request.steps.forEach((step, index) => {
    const isMain = step.name === request.main;
    for (const fault of faultsOfStep(step, (name) => known.get(name), { names, isMain })) {
      faults.push({ ...fault, path: ["steps", index, ...fault.path] });
    }
  });
  return [...faults, ...faultsOfShape(request, known)];
}

function faultsOfShape(request: JobRequest, known: ReadonlyMap<string, KnownStep>): Fault[] {
  const names = () => [...known.keys()];
  const faults: Fault[] = [];
  const { main, steps, open } = request;
  if (steps.length === 0 && !open) {
    faults.push({
      path: ["steps"],
      message: "Cannot submit a job as it must have a step: it has none",
      hint: "Add a step, or set 'open' and add steps later",
    });
  }
  if (main !== undefined && !known.has(main)) {
    faults.push(unknownName(["main"], "take the result of", main, names));
  } else if (main !== undefined && known.get(main)!.tasks !== 1) {
    faults.push({
      path: ["main"],
      message: `Cannot take the job's result from '${main}' as its main step must have one task: it has ${known.get(main)!.tasks ?? "an unknown number"}`,
      hint: "Gather the results in a step of one task, and make that one 'main'",
    });
  }
  const cycle = findCycle(new Map(steps.map((step) => [step.name, comesAfter(step)])));
  if (cycle) {
    const index = steps.findIndex(({ name }) => name === cycle[0]);
    const after = steps[index]!.after.length > 0 ? ["after"] : ["name"];
    faults.push({
      path: ["steps", index, ...after],
      message: `Cannot run steps that wait for each other in a circle: ${describeCycle(cycle)}`,
      hint: `Let one of them no longer come after the one before it, for example '${cycle[0]}' after '${cycle.at(-1)}'`,
    });
  }
  return faults;
}

/** Faults of one step, given those it may name. */
export function faultsOfStep(
  step: StepRequest,
  known: (name: string) => KnownStep | undefined,
  { names, isMain }: { names: () => readonly string[]; isMain: boolean },
): Fault[] {
  return [
    ...step.after.flatMap((name, index) =>
      known(name) ? [] : [unknownName(["after", index], `run '${step.name}' after`, name, names)],
    ),
    ...faultsOfFiles(step, known, names),
    ...faultsOfSource(step),
    ...faultsOfShuffle(step, known, names),
    ...faultsOfRole(step, isMain),
    ...faultsOfGang(step, knownTasks(step)),
  ];
}

function faultsOfFiles(
  step: StepRequest,
  known: (name: string) => KnownStep | undefined,
  names: () => readonly string[],
): Fault[] {
  const faults: Fault[] = [];
  for (const part of ["inputs", "outputs"] as const) {
    const paths = new Set<string>();
    step[part].forEach(({ path }, index) => {
      if (paths.has(path)) {
        faults.push({
          path: [part, index, "path"],
          message: `Cannot use '${path}' twice in the ${part} of '${step.name}' as paths must differ`,
          hint: "Remove one of them, or give it another path",
        });
      }
      paths.add(path);
    });
  }
  step.inputs.forEach(({ from }, index) => {
    if (!("step" in from)) return;
    const path = ["inputs", index, "from"];
    const before = known(from.step);
    if (!before) {
      faults.push(
        unknownName([...path, "step"], `give '${step.name}' a file of`, from.step, names),
      );
    } else if (!before.outputs.includes(from.output)) {
      const near = nearestWord(from.output, before.outputs);
      faults.push({
        path: [...path, "output"],
        message: `Cannot give '${step.name}' the file '${from.output}' as '${from.step}' must declare it: it declares ${list(before.outputs)}`,
        hint: near ? `Did you mean '${near}'?` : `Add it to the outputs of '${from.step}'`,
      });
    } else if (!canPair(before.tasks, knownTasks(step))) {
      faults.push({
        path,
        message: `Cannot give '${step.name}' files of '${from.step}' as it must have one task or as many as '${step.name}' (${knownTasks(step)}): it has ${before.tasks}`,
        hint: "Give both steps the same list, or let one task write all the files",
      });
    }
  });
  return faults;
}

/** Task n takes the file of task n, or all take that of the only one. */
function canPair(before: number | undefined, tasks: number | undefined): boolean {
  return before === undefined || before === 1 || tasks === undefined || before === tasks;
}

function faultsOfSource({ name, source }: StepRequest): Fault[] {
  if (source.type === "inputs") {
    const index = source.inputs.findIndex((input) => isTooLarge(JSON.stringify(input)));
    if (index < 0) return [];
    return [
      {
        path: ["source", "inputs", index],
        message: `Cannot give task ${index} of '${name}' its input as it must be at most ${limits.inlineBytesMax} bytes`,
        hint: "Put it into a file, and give that to the step as one of its inputs",
      },
    ];
  }
  if (source.type !== "grid") return [];
  const faults = Object.entries(source.parameters).flatMap(([parameter, values]): Fault[] => {
    const fault = faultOfValues(values);
    if (!fault) return [];
    return [
      {
        path: ["source", "parameters", parameter],
        message: `Cannot unfold '${parameter}' of '${name}' as it ${fault}`,
        hint: "List its values, or give a range like {from: 0, to: 1, by: 0.1}",
      },
    ];
  });
  if (faults.length === 0 && gridSize(source.parameters) > limits.stepTasksMax) {
    faults.push({
      path: ["source", "parameters"],
      message: `Cannot unfold '${name}' as a step must have at most ${limits.stepTasksMax} tasks: it would have ${gridSize(source.parameters)}`,
      hint: "Give fewer values, or make several steps of it",
    });
  }
  return faults;
}

function faultsOfShuffle(
  { name, shuffle, source, run }: StepRequest,
  known: (name: string) => KnownStep | undefined,
  names: () => readonly string[],
): Fault[] {
  const role = run.driver === "runner" ? run.role : "task";
  const needed = role === "map" || role === "reduce" ? role : undefined;
  if (needed !== shuffle?.role) {
    return [
      {
        path: ["shuffle"],
        message: `Cannot run '${name}' as a function of role '${role}' must ${needed ? `have a shuffle of role '${needed}'` : "have no shuffle"}: it has ${shuffle ? `one of role '${shuffle.role}'` : "none"}`,
        hint: needed
          ? `Add shuffle: { role: "${needed}", … }`
          : "Remove 'shuffle', or run a map or reduce function",
      },
    ];
  }
  if (shuffle?.role !== "reduce") return [];
  const before = known(shuffle.from);
  if (!before)
    return [unknownName(["shuffle", "from"], `reduce '${name}' from`, shuffle.from, names)];
  if (before.partitions === undefined) {
    return [
      {
        path: ["shuffle", "from"],
        message: `Cannot reduce '${name}' from '${shuffle.from}' as that must be the map side of a shuffle: it is not`,
        hint: `Give '${shuffle.from}' a shuffle of role "map"`,
      },
    ];
  }
  const isPlain =
    source.type === "inputs" && source.inputs.length === 1 && source.inputs[0] === null;
  if (isPlain) return [];
  return [
    {
      path: ["source"],
      message: `Cannot give '${name}' a source as a reduce step must have one task per partition: it has a source of type '${source.type}'`,
      hint: "Remove 'source'",
    },
  ];
}

function faultsOfRole({ name, run }: StepRequest, isMain: boolean): Fault[] {
  if (run.driver !== "runner" || run.role !== "job" || isMain) return [];
  return [
    {
      path: ["run", "role"],
      message: `Cannot run '${name}' as a function of role 'job' must be the main step of its job: it is not`,
      hint: `Set main: ${JSON.stringify(name)}, or give it the role 'task'`,
    },
  ];
}

function unknownName(
  path: (string | number)[],
  action: string,
  name: string,
  names: () => readonly string[],
): Fault {
  const known = names();
  const near = nearestWord(name, known);
  return {
    path,
    message: `Cannot ${action} '${name}' as it must be a step of the same job: there are ${list(known)}`,
    hint: near ? `Did you mean '${near}'?` : "Name one of those, or add that step",
  };
}

function list(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names
    .slice(0, 8)
    .map((name) => `'${name}'`)
    .join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
