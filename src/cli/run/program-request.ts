import { basename } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { JobRequestInput, StepRequestInput } from "#/model/job-request.ts";
import type { Client } from "#/sdk/client.ts";
import { wordOf } from "#/sdk/requests.ts";
import type { Terminal } from "../terminal.ts";
import { labelsOf } from "../words.ts";
import type { RunOptions } from "./options.ts";
import { sweepOf } from "./sweep.ts";
import { storeFile } from "./uploads.ts";

type FileInput = NonNullable<StepRequestInput["inputs"]>[number];

/** A program as a job: one task, one for each line of a file, or one for each combination of a sweep. */
export async function programRequest(
  client: Client,
  given: readonly string[],
  options: RunOptions,
  terminal: Terminal,
): Promise<JobRequestInput> {
  const sources = (["each", "sweep", "gang"] as const).filter(
    (name) => options[name] !== undefined,
  );
  if (sources.length > 1) {
    const given = sources.map((name) => `--${name}`).join(" and ");
    throw new CanopyError("invalid", `Cannot take inputs from ${given} at once`, {
      hint: "Give one of them; a job file can say more: gang: true",
    });
  }
  const { command, inputs } = await withOwnProgram(client, given, terminal);
  for (const word of options.input ?? []) inputs.push(await inputOf(client, word, terminal));
  const title = options.name ?? basename(command[0]!);
  const step: StepRequestInput = {
    name: wordOf(title),
    title,
    run: { driver: "process", command, env: environmentOf(options.env, terminal), stdin: false },
    inputs,
    outputs: (options.output ?? []).map((path) => ({ path })),
    source: await sourceOf(client, options, terminal),
    ...(options.gang !== undefined && { gang: true }),
    onFailure: options.keepGoing ? "continue" : "stop",
    ...templateOf(options),
  };
  return { title, ...jobOf(options), steps: [step] };
}

/** What the options say of a job. */
export function jobOf({ priority, keepGoing }: RunOptions): Partial<JobRequestInput> {
  return {
    ...(priority === undefined ? {} : { priority }),
    onFailure: keepGoing ? "continue" : "stop",
  };
}

/** What the options say of every task. */
export function templateOf({
  cpus,
  memory,
  timeout,
  retries,
  label,
  site,
  reuse,
  speculate,
}: RunOptions): Partial<StepRequestInput> {
  const needs = {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(label === undefined ? {} : { labels: labelsOf(label) }),
    ...(site === undefined ? {} : { sites: site }),
  };
  return {
    ...(Object.keys(needs).length > 0 ? { needs } : {}),
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(reuse === undefined ? {} : { reuse }),
    ...(speculate === false ? { speculate } : {}),
  };
}

/** A program named by a path from here, "./sim", goes along; one that is just a name is the machine's own. */
async function withOwnProgram(
  client: Client,
  given: readonly string[],
  terminal: Terminal,
): Promise<{ command: string[]; inputs: FileInput[] }> {
  const [program = "", ...args] = given;
  if (!/^\.{1,2}\//.test(program)) return { command: [program, ...args], inputs: [] };
  const { key } = await storeFile(client, program, terminal.world);
  const path = basename(program);
  return {
    command: [`./${path}`, ...args],
    inputs: [{ path, from: { blob: key }, executable: true }],
  };
}

/** "data.csv", or "here/data.csv:there.csv". */
async function inputOf(client: Client, word: string, terminal: Terminal): Promise<FileInput> {
  const colon = word.lastIndexOf(":");
  const local = colon > 0 ? word.slice(0, colon) : word;
  const path = colon > 0 ? word.slice(colon + 1) : basename(word);
  const { key, isExecutable } = await storeFile(client, local, terminal.world);
  return { path, from: { blob: key }, ...(isExecutable ? { executable: true } : {}) };
}

async function sourceOf(
  client: Client,
  { each, sweep, gang }: RunOptions,
  terminal: Terminal,
): Promise<StepRequestInput["source"]> {
  if (gang !== undefined) return { type: "inputs", inputs: ranksOf(gang) };
  if (sweep) return { type: "grid", parameters: sweepOf(sweep) };
  if (each === undefined) return { type: "inputs", inputs: [null] };
  if (each !== "-")
    return { type: "lines", blob: (await storeFile(client, each, terminal.world)).key };
  const { key } = await client.putBlob(terminal.readInput());
  return { type: "lines", blob: key };
}

function ranksOf(count: number): number[] {
  if (Number.isSafeInteger(count) && count >= 1 && count <= limits.gangTasksMax)
    return Array.from({ length: count }, (_, rank) => rank);
  throw new CanopyError(
    "invalid",
    `Cannot run a gang as it must have 1 to ${limits.gangTasksMax} tasks: --gang is ${count}`,
  );
}

/** "NAME=value", or "NAME" for the value that it has here. */
function environmentOf(words: readonly string[] = [], { world }: Terminal): Record<string, string> {
  const env: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? world.env[name] : word.slice(equals + 1);
    if (value === undefined) {
      throw new CanopyError(
        "invalid",
        `Cannot pass on the variable '${name}' as it is not set here`,
        { hint: `Say --env ${name}=value` },
      );
    }
    if (value.length > limits.inlineBytesMax)
      throw new CanopyError(
        "too-large",
        `Cannot pass on the variable '${name}' as it must have at most ${limits.inlineBytesMax} bytes`,
      );
    env[name] = value;
  }
  return env;
}
