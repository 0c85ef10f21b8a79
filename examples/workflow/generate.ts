// Makes up a recorded workflow in the WfCommons format, version 1.5: putting a genome together from
// reads. One task splits the reads, each part is trimmed, neighbouring parts are laid over each other,
// stretches are built and polished, and one task joins them. Names, sizes and times are our own
// invention; the same seed gives the same file.
//
//   node examples/workflow/generate.ts [seed] > examples/workflow/assembly.json

interface Task {
  kind: string;
  id: string;
  parents: string[];
  inputFiles: string[];
  outputFiles: string[];
  runSeconds: number;
  arguments: string[];
}

const parts = 24;
const stretches = 8;
const machines = ["bench-1", "bench-2"];
const coresPerMachine = 4;

/** The whole file as a value. */
export function generate(seed = 1): object {
  const draw = randomFrom(seed);
  const tasks: Task[] = [];
  const files = new Map<string, number>();
  const file = (name: string, mebibytes: number) => {
    files.set(name, Math.round(mebibytes * 2 ** 20 * (0.8 + 0.4 * draw())));
    return name;
  };
  const add = (
    kind: string,
    meanSeconds: number,
    more: Pick<Task, "parents" | "inputFiles" | "outputFiles">,
  ) => {
    const number = String(tasks.length + 1).padStart(7, "0");
    // Run times of one kind are skewed: most near the mean, a few much longer.
    const runSeconds = Number((meanSeconds * Math.exp(0.5 * normal(draw) - 0.125)).toFixed(3));
    const args = [...more.inputFiles, "-o", ...more.outputFiles];
    const task = { kind, id: `${kind}_ID${number}`, ...more, runSeconds, arguments: args };
    tasks.push(task);
    return task;
  };

  const raw = range(parts).map((part) => `part-${part}.fastq`);
  const split = add("split", 9, {
    parents: [],
    inputFiles: [file("reads.fastq", 480)],
    outputFiles: raw.map((name) => file(name, 480 / parts)),
  });
  const adapters = file("adapters.fa", 0.1);
  const trims = raw.map((name, part) =>
    add("trim", 14, {
      parents: [split.id],
      inputFiles: [name, adapters],
      outputFiles: [file(`part-${part}.clean.fastq`, 16)],
    }),
  );
  const overlaps = trims.map((trim, part) => {
    const next = trims[(part + 1) % parts]!;
    return add("overlap", 26, {
      parents: [trim.id, next.id],
      inputFiles: [...trim.outputFiles, ...next.outputFiles],
      outputFiles: [file(`overlap-${part}.paf`, 3)],
    });
  });
  const each = parts / stretches;
  const contigs = range(stretches).map((stretch) => {
    const from = overlaps.slice(stretch * each, (stretch + 1) * each);
    return add("contig", 38, {
      parents: from.map(({ id }) => id),
      inputFiles: from.flatMap(({ outputFiles }) => outputFiles),
      outputFiles: [file(`contig-${stretch}.fa`, 2), file(`contig-${stretch}.gfa`, 1)],
    });
  });
  const polished = contigs.flatMap((contig, stretch) =>
    range(2).map((half) =>
      add("polish", 21, {
        parents: [contig.id],
        inputFiles: [`contig-${stretch}.fa`],
        outputFiles: [file(`polished-${stretch}-${half}.fa`, 1)],
      }),
    ),
  );
  add("join", 12, {
    parents: [...contigs, ...polished].map(({ id }) => id),
    inputFiles: [
      ...range(stretches).map((stretch) => `contig-${stretch}.gfa`),
      ...polished.flatMap(({ outputFiles }) => outputFiles),
    ],
    outputFiles: [file("genome.fa", 16)],
  });
  return fileOf(tasks, files);
}

function fileOf(tasks: readonly Task[], files: ReadonlyMap<string, number>): object {
  const { makespanSeconds, machineOf } = schedule(tasks);
  const children = Map.groupBy(
    tasks.flatMap(({ id, parents }) => parents.map((parent) => ({ id, parent }))),
    ({ parent }) => parent,
  );
  return {
    name: "assembly",
    description: "Putting a genome together from reads; made up, not measured",
    createdAt: "2026-01-01T00:00:00Z",
    schemaVersion: "1.5",
    runtimeSystem: { name: "invented", version: "1" },
    workflow: {
      specification: {
        tasks: tasks.map(({ kind, id, parents, inputFiles, outputFiles }) => ({
          name: kind,
          id,
          parents,
          children: (children.get(id) ?? []).map((child) => child.id),
          inputFiles,
          outputFiles,
        })),
        files: [...files].map(([id, sizeInBytes]) => ({ id, sizeInBytes })),
      },
      execution: {
        makespanInSeconds: makespanSeconds,
        executedAt: "2026-01-01T00:00:00Z",
        tasks: tasks.map(({ kind, id, runSeconds, arguments: args }) => ({
          id,
          runtimeInSeconds: runSeconds,
          command: { program: kind, arguments: args },
          coreCount: 1,
          machines: [machineOf.get(id)],
        })),
        machines: machines.map((nodeName) => ({
          nodeName,
          system: "linux",
          architecture: "x86_64",
          memoryInBytes: 16 * 2 ** 30,
          cpu: { coreCount: coresPerMachine, speedInMHz: 3000 },
        })),
      },
    },
  };
}

/** When it would have ended on those machines: each task, in order, on the core that is free first. */
function schedule(tasks: readonly Task[]): {
  makespanSeconds: number;
  machineOf: Map<string, string>;
} {
  const cores = machines.flatMap((machine) =>
    range(coresPerMachine).map(() => ({ machine, freeAt: 0 })),
  );
  const endedAt = new Map<string, number>();
  const machineOf = new Map<string, string>();
  for (const { id, parents, runSeconds } of tasks) {
    const core = cores.reduce((first, other) => (other.freeAt < first.freeAt ? other : first));
    const begin = Math.max(core.freeAt, ...parents.map((parent) => endedAt.get(parent)!));
    core.freeAt = begin + runSeconds;
    endedAt.set(id, core.freeAt);
    machineOf.set(id, core.machine);
  }
  return { makespanSeconds: Number(Math.max(...endedAt.values()).toFixed(3)), machineOf };
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** Numbers in [0, 1) that follow from the seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normally distributed, mean 0, deviation 1 (Box and Muller). */
function normal(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(generate(Number(process.argv[2] ?? 1)), null, 1)}\n`);
}
