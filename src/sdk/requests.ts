import { createHash } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import { parseDuration, parseSize } from "#/model/units.ts";
import type { NewStep } from "./client.ts";
import { exportedName, titleOf, type Definition } from "./definition.ts";
import type { Call } from "./venue.ts";

/** Inputs up to so many, and so long together, are part of the step itself: one call makes step and tasks. */
const inlineTasksMax = 256;
const inlineLengthMax = 64 * 1024;

/** Reduce tasks of a map-reduce that does not say how many. */
const partitionsDefault = 8;

/** True when the inputs are few and small, and can be made together with their step. */
export function areFew(inputs: Call["inputs"]): inputs is string[] {
  if (!Array.isArray(inputs) || inputs.length > inlineTasksMax) return false;
  let length = 0;
  for (const input of inputs) length += input.length;
  return length <= inlineLengthMax / 3;
}

/**
 * What a call asks for, in short: a change of it between two runs of a job is noticed. Inputs that are
 * at hand count; of those that are made on the way only that they are.
 */
export function fingerprintOf(call: Call): string {
  const { definition, kind, inputs } = call;
  const hash = createHash("sha256").update(JSON.stringify([definition.options, call.errors]));
  if (Array.isArray(inputs)) {
    const pieceMax = 1024;
    for (let from = 0; from < inputs.length; from += pieceMax)
      hash.update(`${inputs.slice(from, from + pieceMax).join("\n")}\n`);
  } else hash.update("stream");
  const verb = kind === "call" ? "" : `.${kind}`;
  return `${titleOf(definition).slice(0, 100)}${verb} ${hash.digest("hex").slice(0, 32)}`;
}

/** The steps that carry a call out: one; or two for a map-reduce. Their numbers follow each other from `number`. */
export function stepsOf(
  call: Call,
  module: string,
  number: number,
  fingerprint?: string,
): NewStep[] {
  const { definition } = call;
  const common = { module, number, call, fingerprint };
  if (definition.type !== "map-reduce") {
    return [stepOf({ ...common, title: titleOf(definition), role: "task" })];
  }
  const partitions = definition.options.partitions ?? partitionsDefault;
  const map = stepOf({ ...common, title: `${titleOf(definition)} map`, role: "map" });
  const reduce = reduceStepOf(call, module, number + 1, map.name, fingerprint);
  return [{ ...map, shuffle: { role: "map", partitions } }, reduce];
}

/** The second step of a map-reduce, whose first has the name `from`. */
export function reduceStepOf(
  call: Call,
  module: string,
  number: number,
  from: string,
  fingerprint?: string,
): NewStep {
  const title = `${titleOf(call.definition)} reduce`;
  const { source: _own, ...step } = stepOf({
    module,
    number,
    call,
    fingerprint: reduceFingerprint(fingerprint),
    title,
    role: "reduce",
  });
  return { ...step, after: [from], shuffle: { role: "reduce", from } };
}

export function reduceFingerprint(fingerprint: string | undefined): string | undefined {
  return fingerprint?.replace(/ (?=[0-9a-f]+$)/, ".reduce ");
}

/** A step that has no tasks and keeps a value. */
export function recordedStep(
  name: string,
  module: string,
  number: number,
  recorded: string,
): NewStep {
  return {
    name: `${wordOf(name)}-${number}`,
    title: name,
    number,
    run: { driver: "runner", module, function: name, role: "task" },
    source: { type: "list" },
    fingerprint: `${name} recorded`,
    recorded,
  };
}

function stepOf(asked: {
  call: Call;
  module: string;
  number: number;
  fingerprint: string | undefined;
  title: string;
  role: "task" | "map" | "reduce";
}): NewStep {
  const { call, number, fingerprint, title, role } = asked;
  const { definition, inputs, errors } = call;
  const step: NewStep = {
    name: `${wordOf(title)}-${number}`,
    title: title.slice(0, 200),
    number,
    run: { driver: "runner", module: asked.module, function: functionOf(definition), role },
    onFailure: errors === "values" ? "continue" : "stop",
    source: areFew(inputs)
      ? { type: "inputs", inputs: inputs.map((input) => JSON.parse(input)) }
      : { type: "list" },
    ...optionsOf(definition),
  };
  return fingerprint === undefined ? step : { ...step, fingerprint };
}

/** The members of a step request that a definition's options make. */
export function optionsOf(definition: Definition): Partial<NewStep> {
  const { options, type } = definition;
  const { memory, timeout, labels } = options;
  const cpus = "cpus" in options ? options.cpus : undefined;
  const step: Partial<NewStep> = {
    needs: {
      cpus: cpus ?? (type === "job" ? 0 : 1),
      ...(memory === undefined
        ? {}
        : { memoryBytes: typeof memory === "number" ? memory : parseSize(memory) }),
      ...(labels === undefined ? {} : { labels }),
    },
  };
  if (timeout !== undefined)
    step.timeoutMs = typeof timeout === "number" ? timeout : parseDuration(timeout);
  if (definition.type === "job") return step;
  const { retries, reuse, speculate, gang, retryDelay: delay } = definition.options;
  if (retries !== undefined) step.retries = retries;
  if (reuse !== undefined) step.reuse = reuse;
  if (speculate !== undefined) step.speculate = speculate;
  if (gang !== undefined) step.gang = gang;
  if (delay !== undefined) step.retryMs = typeof delay === "number" ? delay : parseDuration(delay);
  return step;
}

/** The exported name. Throws CanopyError "invalid" where a machine could not find it. */
export function functionOf(definition: Definition): string {
  const name = exportedName(definition);
  if (name !== undefined) return name;
  throw new CanopyError(
    "invalid",
    `Cannot run '${titleOf(definition)}' on a cloud as its module does not export it`,
    {
      hint: "Write 'export' before it, as in: export const work = task(…)",
    },
  );
}

/** A name for a step: of the letters that one may have. */
export function wordOf(title: string): string {
  return (
    title
      .replace(/[^A-Za-z0-9_.-]+/g, "-")
      .replace(/^[^A-Za-z0-9_]+/, "")
      .slice(0, 80) || "step"
  );
}
