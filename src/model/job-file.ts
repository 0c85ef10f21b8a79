import { basename } from "node:path";
import { z } from "zod";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { faultsOfJob } from "./job-check.ts";
import { jobRequest, type JobRequestInput, type StepRequestInput } from "./job-request.ts";
import {
  faultsOfSchema,
  filePath,
  hintFor,
  lowerFirst,
  nameOf,
  type Path,
} from "./job-file-faults.ts";
import { shellLine } from "./shell-line.ts";
import { parseDuration, parseSize } from "./units.ts";
import type { BlobSlot, Upload } from "./upload.ts";
import { PlacedYaml, type FileFault } from "./yaml-place.ts";

/** A request, complete but for the keys of what has to be stored first. */
export interface ParsedJob {
  request: JobRequestInput;
  /** What to store first, putting each key into its slots. */
  uploads: Upload[];
}

const parsed = (parse: (text: string) => number) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (thrown) {
      const hint = thrown instanceof CanopyError ? thrown.hint : undefined;
      context.addIssue({ code: "custom", message: messageOf(thrown), params: { hint } });
      return z.NEVER;
    }
  });
const duration = parsed(parseDuration);
const size = z.union([z.int().min(0), parsed(parseSize)]);
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const range = z.strictObject({ from: z.number(), to: z.number(), by: z.number().optional() });
const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item.transform((one) => [one]), z.array(item)]);

const origin = z.union([
  z.string().min(1),
  z.strictObject({ step: z.string(), output: z.string().optional() }),
  z.strictObject({ blob: z.string() }),
]);

const stepSchema = z.strictObject({
  name: z.string(),
  title: z.string().optional(),
  run: z.union([z.string().min(1), z.array(scalar.transform(String)).min(1)]),
  each: z
    .union([
      z.array(z.json()),
      z.strictObject({ lines: z.string() }),
      z.record(z.string(), z.union([z.array(scalar), range])),
    ])
    .optional(),
  needs: z
    .strictObject({
      cpus: z.number().optional(),
      memory: size.optional(),
      labels: z.record(z.string(), scalar.transform(String)).optional(),
    })
    .optional(),
  after: oneOrMore(z.string()).optional(),
  timeout: duration.optional(),
  retries: z.int().optional(),
  retryWait: duration.optional(),
  inputs: z
    .array(
      z.union([
        z
          .string()
          .transform((path) => ({ path: basename(path), from: path, executable: undefined })),
        z.strictObject({
          path: z.string(),
          from: origin.optional(),
          executable: z.boolean().optional(),
        }),
      ]),
    )
    .optional(),
  outputs: z
    .array(
      z.union([
        z.string().transform((path) => ({ path })),
        z.strictObject({ path: z.string(), optional: z.boolean().optional() }),
      ]),
    )
    .optional(),
  env: z.record(z.string(), scalar.transform(String)).optional(),
  stdin: z.boolean().optional(),
  reuse: z.boolean().optional(),
  speculate: z.boolean().optional(),
  gang: z.union([z.boolean(), z.strictObject({ minimum: z.int().min(1) })]).optional(),
  onFailure: z.enum(["stop", "continue"]).optional(),
});

const fileSchema = z.strictObject({
  title: z.string().optional(),
  priority: z.int().optional(),
  onFailure: z.enum(["stop", "continue"]).optional(),
  steps: z.array(stepSchema).min(1, "must have a step"),
});

type FileStep = z.output<typeof stepSchema>;

/**
 * Reads a job file, YAML of this form (only `steps`, and of a step `name` and `run`, must be there):
 *
 * ```yaml
 * title: Thumbnails            # the file's name when absent
 * priority: 10                 # -100 to 100; a higher one goes first within its project
 * onFailure: continue          # or stop (the default): a task that fails for good ends the job
 * steps:
 *   - name: shrink
 *     title: shrinking         # what progress calls this kind of task; the name when absent
 *     run: [convert, "{file}", -resize, "{width}", small.png]   # a program and its arguments
 *     each: &all               # one task per combination …
 *       file: [a.png, b.png]
 *       width: {from: 100, to: 300, by: 100}
 *     # each: [a.png, b.png]   # … or one per item: "{}" is the item, "{x}" its member x
 *     # each: {lines: names.txt}          # … or one per line of a local file
 *     needs: {cpus: 2, memory: 512MiB, labels: {disk: fast}}
 *     timeout: 10m
 *     retries: 3               # failed attempts that are tried again; 2 when absent
 *     retryWait: 1s            # before the first of them; it doubles
 *     env: {LANG: C}
 *     stdin: true              # the input, as JSON, comes in on standard input
 *     inputs:
 *       - a.png                # a local file, into the task's folder
 *       - {path: bin/tool, from: tools/tool, executable: true}
 *     outputs: [small.png, {path: notes.txt, optional: true}]
 *     reuse: true              # equal program, input and files: the earlier result is taken
 *     speculate: false         # a slow task gets no second attempt beside it: it may not run twice at once
 *     # gang: true             # its tasks run all at once or not at all, as those of an MPI program …
 *     # gang: {minimum: 4}     # … or at least four of them, and the others join as they fit
 *   - name: label
 *     after: shrink            # or a list; a step whose files it takes is meant anyway
 *     each: *all               # as many tasks as the step before: task n takes the file of task n
 *     run: convert small.png label:{file} -append out.png       # one text is a line for the shell
 *     inputs: [{path: small.png, from: {step: shrink}}]         # output: when its path differs
 *     outputs: [out.png]
 * ```
 *
 * `file` is its name as messages give it; paths in it are relative to its folder. Values that go into
 * a line for the shell are quoted for it. Throws CanopyError "invalid" with the place of the first
 * fault; its message names the others.
 */
export function parseJobFile(text: string, file: string): ParsedJob {
  const yaml = new PlacedYaml(text, file);
  const read = fileSchema.safeParse(yaml.value);
  if (!read.success) throw yaml.error(faultsOfSchema(read.error.issues, yaml, knownKeys));
  const uploads = new Uploads(yaml);
  const { title, priority, onFailure, steps } = read.data;
  const request: JobRequestInput = {
    title: title ?? basename(file).replace(/\.[^.]+$/, ""),
    ...(priority !== undefined && { priority }),
    ...(onFailure && { onFailure }),
    steps: steps.map((step, index) => stepOf(step, ["steps", index], uploads)),
  };
  const faults = faultsOfRequest(request, uploads);
  if (faults.length > 0)
    throw yaml.error(faults.map((fault) => ({ ...fault, path: filePath(fault.path as Path) })));
  return { request, uploads: uploads.all };
}

function stepOf(step: FileStep, path: Path, uploads: Uploads): StepRequestInput {
  const { name, title, needs, after, retries, reuse, speculate, gang, onFailure } = step;
  const { command, env } = commandOf(step);
  return {
    name,
    ...(title !== undefined && { title }),
    run: { driver: "process", command, env: { ...env, ...step.env }, stdin: step.stdin ?? false },
    needs: {
      ...(needs?.cpus !== undefined && { cpus: needs.cpus }),
      ...(needs?.memory !== undefined && { memoryBytes: needs.memory }),
      ...(needs?.labels && { labels: needs.labels }),
    },
    ...(after && { after }),
    ...(step.timeout !== undefined && { timeoutMs: step.timeout }),
    ...(retries !== undefined && { retries }),
    ...(step.retryWait !== undefined && { retryMs: step.retryWait }),
    inputs: (step.inputs ?? []).map(({ path: to, from = to, executable }, index) => ({
      path: to,
      from: originOf(from, to, [...path, "inputs", index], uploads),
      ...(executable !== undefined && { executable }),
    })),
    outputs: (step.outputs ?? []).map((output) => output),
    ...(reuse !== undefined && { reuse }),
    ...(speculate !== undefined && { speculate }),
    ...(gang !== undefined && { gang }),
    ...(onFailure && { onFailure }),
    ...(step.each !== undefined && { source: sourceOf(step.each, [...path, "each"], uploads) }),
  };
}

function commandOf({ run, each }: FileStep): { command: string[]; env: Record<string, string> } {
  if (typeof run !== "string") return { command: run, env: {} };
  return shellLine(run, each === undefined ? new Set() : memberNames(each));
}

function memberNames(each: NonNullable<FileStep["each"]>): Set<string> {
  if (!Array.isArray(each)) return isLines(each) ? new Set() : new Set(Object.keys(each));
  const isObject = (item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item);
  return new Set(each.filter(isObject).flatMap((item) => Object.keys(item as object)));
}

function isLines(each: object): each is { lines: string } {
  return "lines" in each && typeof each.lines === "string";
}

function sourceOf(
  each: NonNullable<FileStep["each"]>,
  path: Path,
  uploads: Uploads,
): StepRequestInput["source"] {
  if (Array.isArray(each)) return { type: "inputs", inputs: each };
  if (isLines(each))
    return Object.assign(uploads.file(each.lines, [...path, "lines"]), { type: "lines" as const });
  return { type: "grid", parameters: each };
}

type Origin = NonNullable<StepRequestInput["inputs"]>[number]["from"];

function originOf(from: z.output<typeof origin>, to: string, path: Path, uploads: Uploads): Origin {
  if (typeof from === "string") return uploads.file(from, [...path, "from"]);
  return "step" in from ? { step: from.step, output: from.output ?? to } : from;
}

/** Local files that the request names, each stored once however often it is named. */
class Uploads {
  readonly all: Upload[] = [];
  #ofPath = new Map<string, Upload>();
  #yaml: PlacedYaml;

  constructor(yaml: PlacedYaml) {
    this.#yaml = yaml;
  }

  /** A slot for the key of a local file. */
  file(path: string, where: Path): BlobSlot {
    let upload = this.#ofPath.get(path);
    if (!upload) {
      upload = { from: "file", path, place: this.#yaml.place(where), slots: [] };
      this.#ofPath.set(path, upload);
      this.all.push(upload);
    }
    const slot = { blob: "" };
    upload.slots.push(slot);
    return slot;
  }
}

/** What the schema of requests and its checks find: with a key in every slot, as there will be. */
function faultsOfRequest(request: JobRequestInput, { all }: Uploads): FileFault[] {
  const slots = all.flatMap((upload) => upload.slots);
  for (const slot of slots) slot.blob = "0".repeat(64);
  const read = jobRequest.safeParse(request);
  const faults = read.success
    ? faultsOfJob(read.data)
    : read.error.issues.map(({ path, message }) => ({
        path: path as Path,
        message: `Cannot use ${nameOf(path as Path)}: ${lowerFirst(message)}`,
        hint: hintFor(filePath(path as Path)),
      }));
  for (const slot of slots) slot.blob = "";
  return faults;
}

/** Keys that may stand at `path`. */
function knownKeys(path: Path): string[] {
  if (path.length === 0) return Object.keys(fileSchema.shape);
  if (path.includes("needs")) return ["cpus", "memory", "labels"];
  if (path.includes("from")) return ["step", "output", "blob"];
  if (path.includes("inputs")) return ["path", "from", "executable"];
  if (path.includes("outputs")) return ["path", "optional"];
  if (path.includes("gang")) return ["minimum"];
  if (path.includes("each")) return ["lines", "from", "to", "by"];
  return Object.keys(stepSchema.shape);
}
