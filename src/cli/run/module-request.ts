import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { CanopyError, type Place } from "#/base/errors.ts";
import type { JobRequestInput } from "#/model/job-request.ts";
import { nearestWord } from "#/model/nearest-word.ts";
import { encodeValue } from "#/model/value.ts";
import { bundleModule } from "#/sdk/bundle.ts";
import type { Client } from "#/sdk/client.ts";
import { definitionOf, titleOf, type Definition } from "#/sdk/definition.ts";
import { importBundle, jobRequestOf } from "#/sdk/load.ts";
import { stepsOf } from "#/sdk/requests.ts";
import type { Terminal } from "../terminal.ts";
import type { JobSource } from "./job-source.ts";
import type { RunOptions } from "./options.ts";
import { jobOf, templateOf } from "./program-request.ts";

/** A function of a module as a job. Throws CanopyError "invalid" where the module does not compile, or has nothing to run. */
export async function moduleRequest(
  client: Client,
  source: Extract<JobSource, { type: "module" }>,
  options: RunOptions,
  { world, err }: Terminal,
  onSources?: (files: readonly string[]) => void,
): Promise<JobRequestInput> {
  const { code, key, sources } = await bundleModule(source.file);
  onSources?.(sources);
  const shown = relative(world.folder, source.file);
  const [exports] = await Promise.all([loaded(code, shown, world), store(client, key, code)]);
  const [name, definition] = chosen(exports, source.export, shown);
  const args = argsOf(source.args, options.args);
  const title =
    options.name ??
    (name === "default" ? shown.replace(/^.*\//, "").replace(/\.\w+$/, "") : titleOf(definition));
  if (definition.type === "job") {
    const request = jobRequestOf(definition, key, args);
    const [step, ...more] = request.steps;
    return {
      ...request,
      title,
      ...priorityOf(options),
      steps: [{ ...step!, title, ...templateOf(options) }, ...more],
    };
  }
  if (definition.type === "map-reduce") {
    throw new CanopyError(
      "invalid",
      `Cannot run ${shown}:${name} by itself as it is a map-reduce, which needs items`,
      {
        hint: `Write a job that runs it: export default job(() => ${name}.run(items))`,
      },
    );
  }
  err.write(err.paint("dim", `${name} is a task: running it once\n`));
  const steps = stepsOf(
    { definition, kind: "call", inputs: [encodeValue(args)], errors: "throw" },
    key,
    0,
  );
  const only = steps.map(({ number: _, ...step }) => ({ ...step, ...templateOf(options) }));
  return { title, ...jobOf(options), main: only[0]!.name, steps: only };
}

function priorityOf({ priority }: RunOptions): { priority?: number } {
  return priority === undefined ? {} : { priority };
}

async function loaded(
  code: Uint8Array,
  shown: string,
  world: Terminal["world"],
): Promise<Map<string, Definition>> {
  try {
    const exports = await importBundle(code, world);
    const definitions = Object.entries(exports).map(
      ([name, value]) => [name, definitionOf(value)] as const,
    );
    return new Map(
      definitions.filter((entry): entry is [string, Definition] => entry[1] !== undefined),
    );
  } catch (thrown) {
    const frames = ownFrames(thrown);
    const place = placeOf(frames[0]);
    const at = place ? `${place.file}:${place.line}:${place.column}: ` : "";
    throw new CanopyError(
      "invalid",
      [
        `${at}Cannot run ${shown} as it throws while it is loaded: ${String(thrown)}`,
        ...frames,
      ].join("\n"),
      {
        hint: "What stands outside of its functions runs on every machine, and here: keep it small",
        ...(place ? { place } : {}),
      },
    );
  }
}

/** The lines of a stack that are the module's: those before the ones of what loads it. */
function ownFrames(thrown: unknown): string[] {
  const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => /^ {4}at /.test(line));
  const loader = frames.findIndex((frame) => frame.includes("node:internal/modules/"));
  return loader === -1 ? frames : frames.slice(0, loader);
}

function placeOf(frame: string | undefined): Place | undefined {
  const found = /^ {4}at (?:.*\()?((?:file:)?\/.*?):(\d+):(\d+)\)?$/.exec(frame ?? "");
  if (!found) return undefined;
  const file = found[1]!.startsWith("file:") ? fileURLToPath(found[1]!) : found[1]!;
  return { file, line: Number(found[2]), column: Number(found[3]) };
}

async function store(client: Client, key: string, code: Uint8Array): Promise<void> {
  if (!(await client.hasBlob(key))) await client.putBlob(code);
}

/** The export that was named, else the default one, else the only job, else the only one. */
function chosen(
  definitions: Map<string, Definition>,
  name: string | undefined,
  shown: string,
): [string, Definition] {
  const names = [...definitions.keys()];
  if (definitions.size === 0) {
    throw new CanopyError("invalid", `Cannot run ${shown} as it exports no job and no task`, {
      hint: 'Export one: import { job } from "canopy-cloud/sdk"; export default job(async () => { … })',
    });
  }
  if (name !== undefined) {
    const definition = definitions.get(name);
    if (definition) return [name, definition];
    const near = nearestWord(name, names);
    throw new CanopyError(
      "not-found",
      `Cannot run '${name}' of ${shown} as it exports no job or task of that name: it has ${names.join(", ")}`,
      near === undefined ? {} : { hint: `Did you mean: canopy run ${shown}:${near}` },
    );
  }
  const jobs = names.filter((each) => definitions.get(each)!.type === "job");
  const only = definitions.has("default")
    ? "default"
    : jobs.length === 1
      ? jobs[0]
      : names.length === 1
        ? names[0]
        : undefined;
  if (only !== undefined) return [only, definitions.get(only)!];
  throw new CanopyError(
    "invalid",
    `Cannot tell what of ${shown} to run as it exports several: ${names.join(", ")}`,
    {
      hint: `Name one: canopy run ${shown}:${jobs[0] ?? names[0]}`,
    },
  );
}

/** Words of the command line are strings; --args gives any JSON. */
function argsOf(words: readonly string[], json: string | undefined): readonly unknown[] {
  if (json === undefined) return words;
  try {
    const args: unknown = JSON.parse(json);
    if (Array.isArray(args) && words.length === 0) return args as unknown[];
  } catch {
    // said below
  }
  throw new CanopyError(
    "invalid",
    `Cannot read --args as it must be a JSON array, with no other arguments beside it: current value is '${json}'`,
    {
      hint: `For example: --args '[10, {"deep": true}]'`,
    },
  );
}
