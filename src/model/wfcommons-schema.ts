import { z } from "zod";

/**
 * The parts of the WfCommons format that are read here, in its two shapes: up to 1.4 one list of tasks
 * with all about them, from 1.5 what was to be done ("specification") beside what happened
 * ("execution"). https://github.com/wfcommons/WfFormat
 */
const text = z.string().min(1);
const amount = z.number().min(0);
const command = z.object({ program: z.string().optional() });
const machine = z.object({
  nodeName: text,
  cpu: z.object({ coreCount: amount.optional(), count: amount.optional() }).optional(),
});

const specifiedTask = z.object({
  name: text,
  id: text,
  parents: z.array(text).default([]),
  children: z.array(text).default([]),
  inputFiles: z.array(text).default([]),
  outputFiles: z.array(text).default([]),
});

const newShape = z.object({
  name: text,
  workflow: z.object({
    specification: z.object({
      tasks: z.array(specifiedTask).min(1),
      files: z.array(z.object({ id: text, sizeInBytes: amount })).default([]),
    }),
    execution: z
      .object({
        makespanInSeconds: amount.optional(),
        tasks: z.array(
          z.object({ id: text, runtimeInSeconds: amount.default(0), command: command.optional() }),
        ),
        machines: z.array(machine).default([]),
      })
      .optional(),
  }),
});

const oldTask = z.object({
  name: text,
  id: text.optional(),
  category: text.optional(),
  runtime: amount.optional(),
  runtimeInSeconds: amount.optional(),
  command: command.optional(),
  parents: z.array(text).default([]),
  children: z.array(text).default([]),
  files: z
    .array(
      z.object({
        link: z.string(),
        name: text,
        path: z.string().optional(),
        size: amount.optional(),
        sizeInBytes: amount.optional(),
      }),
    )
    .default([]),
});

const oldShape = z.object({
  name: text,
  workflow: z.object({
    tasks: z.array(oldTask).min(1),
    makespan: amount.optional(),
    makespanInSeconds: amount.optional(),
    machines: z.array(machine).default([]),
  }),
});

/** What was recorded, whichever shape it had. */
export interface Recording {
  name: string;
  makespanSeconds: number | undefined;
  tasks: RecordedTask[];
  /** By the file's id. */
  fileBytes: Map<string, number>;
  machines: { name: string; cpus: number | undefined }[];
}

export interface RecordedTask {
  id: string;
  name: string;
  program: string | undefined;
  runSeconds: number;
  /** Ids of the tasks before it. */
  after: Set<string>;
  inputs: string[];
  outputs: string[];
  /** Where the file says this. */
  path: (string | number)[];
}

type Read = { recording: Recording } | { issues: readonly z.core.$ZodIssue[] };

/** Reads either shape; which one is told by its parts, as versions are not always written rightly. */
export function readRecording(value: unknown): Read {
  const workflow = (value as { workflow?: object } | null)?.workflow;
  if (workflow && ("tasks" in workflow || "jobs" in workflow)) {
    const { jobs, ...rest } = workflow as { jobs?: unknown };
    const read = oldShape.safeParse({
      ...(value as object),
      workflow: jobs ? { ...rest, tasks: jobs } : rest,
    });
    return read.success ? { recording: fromOld(read.data) } : { issues: read.error.issues };
  }
  const read = newShape.safeParse(value);
  return read.success ? { recording: fromNew(read.data) } : { issues: read.error.issues };
}

function fromNew({ name, workflow }: z.output<typeof newShape>): Recording {
  const { specification, execution } = workflow;
  const ran = new Map(execution?.tasks.map((task) => [task.id, task]));
  const tasks = specification.tasks.map((task, index) => ({
    id: task.id,
    name: task.name,
    program: ran.get(task.id)?.command?.program,
    runSeconds: ran.get(task.id)?.runtimeInSeconds ?? 0,
    after: new Set(task.parents),
    inputs: [...new Set(task.inputFiles)],
    outputs: [...new Set(task.outputFiles)],
    path: ["workflow", "specification", "tasks", index],
  }));
  addChildren(tasks, specification.tasks);
  return {
    name,
    makespanSeconds: execution?.makespanInSeconds,
    tasks,
    fileBytes: new Map(specification.files.map(({ id, sizeInBytes }) => [id, sizeInBytes])),
    machines: (execution?.machines ?? []).map(machineOf),
  };
}

function fromOld({ name, workflow }: z.output<typeof oldShape>): Recording {
  const fileBytes = new Map<string, number>();
  const tasks = workflow.tasks.map((task, index) => {
    const files = task.files.map((file) => {
      const id = (file.path ?? "") + file.name;
      fileBytes.set(id, file.sizeInBytes ?? file.size ?? 0);
      return { id, isInput: file.link.toLowerCase() === "input" };
    });
    const idsOf = (isInput: boolean) => [
      ...new Set(files.filter((file) => file.isInput === isInput).map(({ id }) => id)),
    ];
    return {
      id: task.name,
      name: task.category ?? task.name,
      program: task.command?.program,
      runSeconds: task.runtimeInSeconds ?? task.runtime ?? 0,
      after: new Set(task.parents),
      inputs: idsOf(true),
      outputs: idsOf(false),
      path: ["workflow", "tasks", index],
    };
  });
  // Tasks name each other by name; some writers used ids.
  const nameOfId = new Map(
    workflow.tasks.flatMap(({ id, name: named }) => (id ? [[id, named]] : [])),
  );
  const names = new Set(tasks.map(({ id }) => id));
  const resolve = (word: string) => (names.has(word) ? word : (nameOfId.get(word) ?? word));
  for (const task of tasks) task.after = new Set([...task.after].map(resolve));
  const asParents = workflow.tasks.map(({ name: id, children }) => ({
    id,
    children: children.map(resolve),
  }));
  addChildren(tasks, asParents);
  return {
    name,
    makespanSeconds: workflow.makespanInSeconds ?? workflow.makespan,
    tasks,
    fileBytes,
    machines: workflow.machines.map(machineOf),
  };
}

/** A dependency may be written on either end. */
function addChildren(
  tasks: readonly RecordedTask[],
  parents: readonly { id: string; children: readonly string[] }[],
): void {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  for (const { id, children } of parents)
    for (const child of children) byId.get(child)?.after.add(id);
}

function machineOf({ nodeName, cpu }: z.output<typeof machine>): {
  name: string;
  cpus: number | undefined;
} {
  return { name: nodeName, cpus: cpu?.coreCount ?? cpu?.count };
}
