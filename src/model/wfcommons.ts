import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { CanopyError } from "#/base/errors.ts";
import { describeCycle, findCycle } from "./graph.ts";
import { faultsOfJob } from "./job-check.ts";
import type { ParsedJob } from "./job-file.ts";
import { jobRequest, type StepRequestInput } from "./job-request.ts";
import { nearestWord } from "./nearest-word.ts";
import type { Upload } from "./upload.ts";
import { readRecording, type RecordedTask, type Recording } from "./wfcommons-schema.ts";
import { PlacedYaml, type FileFault } from "./yaml-place.ts";

export interface ParsedWorkflow extends ParsedJob {
  /** What the file says of the run that was recorded. */
  recorded: Recorded;
}

export interface Recorded {
  name: string;
  /** Undefined for a workflow that was never run. */
  makespanMs: number | undefined;
  /** Sum of the tasks' run times. */
  workMs: number;
  tasks: number;
  machines: { name: string; cpus: number | undefined }[];
}

export interface WorkflowOptions {
  /** Recorded run times are multiplied by this; default 1. */
  timeScale?: number;
  /** Recorded sizes of files are multiplied by this; default `timeScale`. */
  sizeScale?: number;
  /**
   * What each task runs instead of examples/work/work.mjs. "{task}", "{program}", "{cpuMs}", "{reads}"
   * and "{writes}" stand for members of its input, "{}" for all of it.
   */
  command?: string[];
}

/** The program that stands in for a recorded task, and what its tasks call it. */
const workProgram = fileURLToPath(new URL("../../examples/work/work.mjs", import.meta.url));
const workName = basename(workProgram);

/** True for JSON text that looks like a recorded workflow, so that it is not taken for another file. */
export function isWfCommons(text: string): boolean {
  return /^\s*\{/.test(text) && text.includes('"schemaVersion"') && text.includes('"workflow"');
}

/**
 * Makes a job of a recorded workflow in the WfCommons format (1.0 to 1.6): each recorded task becomes a
 * step with one task, after the same others, that reads files of the recorded sizes, works for the
 * recorded time and writes files, all scaled. Files that no task writes are made up. Tasks of one
 * program share a title. `file` is its name as messages give it. Throws CanopyError "invalid" with the
 * place of the fault.
 */
export function parseWfCommons(
  text: string,
  file: string,
  options: WorkflowOptions = {},
): ParsedWorkflow {
  const { timeScale = 1, sizeScale = timeScale } = options;
  for (const [name, scale] of Object.entries({ timeScale, sizeScale })) {
    if (scale >= 0 && Number.isFinite(scale)) continue;
    throw new CanopyError(
      "invalid",
      `Cannot scale ${file} as '${name}' must be 0 or more: it is ${scale}`,
    );
  }
  const read = readRecording(parseJson(text, file));
  const fail = (faults: readonly FileFault[]) => new PlacedYaml(text, file).error(faults);
  if ("issues" in read) throw fail(read.issues.map(faultOf));
  const { recording } = read;
  const faults = faultsOfTasks(recording);
  if (faults.length > 0) throw fail(faults);
  const made = new Steps(recording, { timeScale, sizeScale, command: options.command, file });
  const request = {
    title: recording.name.slice(0, 200),
    steps: recording.tasks.map((task) => made.step(task)),
  };
  const [fault] = faultsOfJob(jobRequest.parse(made.withKeys(request)));
  if (fault) throw fail([{ ...fault, path: recording.tasks[Number(fault.path[1])]?.path ?? [] }]);
  return {
    request,
    uploads: made.uploads,
    recorded: {
      name: recording.name,
      makespanMs:
        recording.makespanSeconds === undefined ? undefined : recording.makespanSeconds * 1000,
      workMs: recording.tasks.reduce((sum, { runSeconds }) => sum + runSeconds * 1000, 0),
      tasks: recording.tasks.length,
      machines: recording.machines,
    },
  };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const at = /line (\d+) column (\d+)/.exec((thrown as Error).message);
    const offset = Number(/position (\d+)/.exec((thrown as Error).message)?.[1] ?? text.length);
    const before = text.slice(0, offset).split("\n");
    const place = {
      file,
      line: at ? Number(at[1]) : before.length,
      column: at ? Number(at[2]) : before.at(-1)!.length + 1,
    };
    throw new CanopyError(
      "invalid",
      `Cannot read ${file} as it must be JSON: ${(thrown as Error).message}`,
      {
        hint: "Check that the file is whole; it may have been cut off",
        place,
      },
    );
  }
}

function faultOf(issue: { path: PropertyKey[]; message: string }): FileFault {
  const path = issue.path as (string | number)[];
  return {
    path,
    message: `Cannot use '${path.join(".")}' of the workflow: ${issue.message.toLowerCase()}`,
    hint: "A recorded workflow follows the WfCommons format, version 1.0 to 1.6",
  };
}

/** Tasks that are named twice, or name others that are not there, or each other in a circle. */
function faultsOfTasks({ tasks }: Recording): FileFault[] {
  const faults: FileFault[] = [];
  const ids = new Map<string, RecordedTask>();
  for (const task of tasks) {
    if (ids.has(task.id)) {
      faults.push({
        path: task.path,
        message: `Cannot run task '${task.id}' as ids must differ: another task has it`,
        hint: "Give each task an id of its own",
      });
    }
    ids.set(task.id, task);
  }
  for (const { id, after, path } of tasks) {
    for (const before of after) {
      if (ids.has(before)) continue;
      const near = nearestWord(before, ids.keys());
      faults.push({
        path: [...path, "parents"],
        message: `Cannot run task '${id}' after '${before}' as there is no such task`,
        hint: near ? `Did you mean '${near}'?` : "Add that task, or remove it from 'parents'",
      });
    }
  }
  const cycle = findCycle(new Map(tasks.map(({ id, after }) => [id, [...after]])));
  if (cycle) {
    faults.push({
      path: ids.get(cycle[0]!)!.path,
      message: `Cannot run tasks that wait for each other in a circle: ${describeCycle(cycle)}`,
      hint: "Remove one of these dependencies from 'parents' and 'children'",
    });
  }
  return faults;
}

/** Turns recorded tasks into steps, and keeps what they share: names, producers, files to make up. */
class Steps {
  readonly uploads: Upload[] = [];
  #recording: Recording;
  #options: { timeScale: number; sizeScale: number; command: string[] | undefined };
  #tasks: Map<string, RecordedTask>;
  #producers: Map<string, string[]>;
  #names = new Map<string, string>();
  #paths = new Map<string, string>();
  #madeUp = new Map<string, Upload>();
  #program: Upload;

  constructor(
    recording: Recording,
    options: { timeScale: number; sizeScale: number; command: string[] | undefined; file: string },
  ) {
    this.#recording = recording;
    this.#options = options;
    this.#tasks = new Map(recording.tasks.map((task) => [task.id, task]));
    const written = recording.tasks.flatMap(({ id, outputs }) =>
      outputs.map((output) => ({ id, output })),
    );
    const byFile = Map.groupBy(written, ({ output }) => output);
    this.#producers = new Map([...byFile].map(([output, by]) => [output, by.map(({ id }) => id)]));
    const place = { file: options.file, line: 1, column: 1 };
    this.#program = { from: "file", path: workProgram, place, slots: [] };
    if (!options.command) this.uploads.push(this.#program);
    name(
      recording.tasks.map(({ id }) => id),
      (id) => id.replaceAll(/[^A-Za-z0-9_.-]+/g, "_"),
      90,
      this.#names,
    );
    const files = [
      ...new Set(recording.tasks.flatMap(({ inputs, outputs }) => [...inputs, ...outputs])),
    ];
    this.#paths.set("", workName);
    name(files, flatPath, 200, this.#paths);
  }

  step(task: RecordedTask): StepRequestInput {
    const { command } = this.#options;
    const inputs: NonNullable<StepRequestInput["inputs"]> = task.inputs.map((file) => {
      const path = this.#paths.get(file)!;
      const producer = this.#producerFor(task, file);
      if (producer === undefined) return { path, from: this.#madeUpFile(file) };
      return { path, from: { step: this.#names.get(producer)!, output: path } };
    });
    if (!command) {
      const slot = { blob: "" };
      this.#program.slots.push(slot);
      inputs.unshift({ path: workName, from: slot });
    }
    return {
      name: this.#names.get(task.id)!,
      title: titleOf(task),
      after: [...task.after].map((id) => this.#names.get(id)!),
      run: { driver: "process", command: command ?? ["node", workName], stdin: true },
      inputs,
      outputs: task.outputs.map((file) => ({ path: this.#paths.get(file)! })),
      source: { type: "inputs", inputs: [this.#input(task)] },
    };
  }

  /** The request as it will be once all is stored: to be checked before anything is. */
  withKeys<T>(request: T): T {
    const slots = this.uploads.flatMap((upload) => upload.slots);
    for (const slot of slots) slot.blob = "0".repeat(64);
    const copy = structuredClone(request);
    for (const slot of slots) slot.blob = "";
    return copy;
  }

  #input(task: RecordedTask) {
    const { command, timeScale } = this.#options;
    const takesReads = command?.some((word) => word.includes("{reads}") || word.includes("{}"));
    return {
      task: task.id,
      program: titleOf(task),
      cpuMs: Math.round(task.runSeconds * 1000 * timeScale),
      ...(takesReads && { reads: task.inputs.map((file) => this.#paths.get(file)!) }),
      writes: Object.fromEntries(
        task.outputs.map((file) => [this.#paths.get(file)!, this.#bytesOf(file)]),
      ),
    };
  }

  #bytesOf(file: string): number {
    return Math.round((this.#recording.fileBytes.get(file) ?? 0) * this.#options.sizeScale);
  }

  #madeUpFile(file: string): { blob: string } {
    let upload = this.#madeUp.get(file);
    if (!upload) {
      upload = { from: "made", name: file, sizeBytes: this.#bytesOf(file), slots: [] };
      this.#madeUp.set(file, upload);
      this.uploads.push(upload);
    }
    const slot = { blob: "" };
    upload.slots.push(slot);
    return slot;
  }

  /** Whose output a task reads: of several that write the file, the latest one before it. Undefined: it was there from the start. */
  #producerFor(task: RecordedTask, file: string): string | undefined {
    const producers = (this.#producers.get(file) ?? []).filter((id) => id !== task.id);
    if (producers.length === 0) return undefined;
    const parent = producers.findLast((id) => task.after.has(id));
    if (parent !== undefined) return parent;
    const before = this.#ancestors(task.id);
    const ancestor = producers.findLast((id) => before.has(id));
    if (ancestor !== undefined) return ancestor;
    const beside = producers.find((id) => !this.#ancestors(id).has(task.id));
    // From here on it comes after that one, so that two such files cannot close a circle.
    if (beside !== undefined) task.after.add(beside);
    return beside;
  }

  #ancestors(id: string): Set<string> {
    const found = new Set<string>();
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      for (const before of this.#tasks.get(next)?.after ?? []) {
        if (found.has(before)) continue;
        found.add(before);
        open.push(before);
      }
    }
    return found;
  }
}

/** Gives each id a short name of its own. */
function name(
  ids: readonly string[],
  shorten: (id: string) => string,
  length: number,
  names: Map<string, string>,
): void {
  const taken = new Set(names.values());
  for (const id of ids) {
    const short =
      shorten(id)
        .slice(-length)
        .replace(/^[^A-Za-z0-9_]+/, "") || "x";
    let unique = short;
    for (let number = 2; taken.has(unique); number++) unique = `${short}_${number}`;
    taken.add(unique);
    names.set(id, unique);
  }
}

/** One level, as a name that is a file for one task may be a folder for another. */
function flatPath(id: string): string {
  return id
    .replace(/^[a-z]+:\/\//, "")
    .replaceAll(/[^A-Za-z0-9_.+-]+/g, "_")
    .replace(/^_+/, "");
}

/** The kind of a task: its program where that is one word, else its name without what numbers it. */
function titleOf({ name: named, program }: RecordedTask): string {
  if (program !== undefined && /^\S{1,60}$/.test(program)) return basename(program);
  const kind = named
    .replace(/[_-]?(ID)?\d+$/, "")
    .split(".")
    .at(-1)!;
  return (kind || named).slice(0, 100);
}
