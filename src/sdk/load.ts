import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CanopyError } from "#/base/errors.ts";
import { randomText } from "#/base/random.ts";
import type { JobRequestInput } from "#/model/job-request.ts";
import { decodeValue, encodeValue } from "#/model/value.ts";
import type { JobResult } from "#/model/views.ts";
import { connect, type Client, type ConnectOptions } from "./client.ts";
import { cloudCall, type MadeSteps } from "./cloud-call.ts";
import { mapReduceOf, taskOf } from "./define.ts";
import {
  definitionOf,
  definitionSymbol,
  exportedName,
  nameExports,
  titleOf,
  type Definition,
  type JobDefinition,
} from "./definition.ts";
import { TaskFailed } from "./failures.ts";
import { functionOf, optionsOf, stepsOf } from "./requests.ts";
import type { Job, MapReduce, Task } from "./task.ts";
import type { Call, Venue } from "./venue.ts";
import { thisWorld, type World } from "./world.ts";

/** A job that was started from a program. */
export interface JobHandle<R> {
  /** Its name on the cloud, "j0f3k2m9x1ab2". */
  id: string;
  /** Waits for its end. Throws TaskFailed when its function threw, CanopyError "conflict" when it was cancelled. */
  result(): Promise<R>;
  cancel(reason?: string): Promise<void>;
}

/** A job's function as a program sees it: call it and wait, or start it and go on. */
export interface LoadedJob<A extends unknown[], R> {
  (...args: A): Promise<R>;
  start(...args: A): Promise<JobHandle<R>>;
}

/** A module's tasks, jobs and map-reduces, each running on the cloud when it is called. */
export type Loaded<M> = {
  [Name in keyof M as M[Name] extends CallableExport ? Name : never]: M[Name] extends Task<
    infer A,
    infer R
  >
    ? Task<A, R>
    : M[Name] extends MapReduce<infer I, infer K, infer R>
      ? MapReduce<I, K, R>
      : M[Name] extends Job<infer A, infer R>
        ? LoadedJob<A, R>
        : never;
};

type CallableExport = ((...args: never[]) => Promise<unknown>) | { run(items: never): unknown };

export interface LoadOptions extends ConnectOptions {
  /** The client to use, instead of connecting anew. */
  client?: Client;
}

/**
 * Bundles a module and gives its tasks and jobs to a program, to be called as if they were here:
 * `const { main } = await load<typeof import("./job.ts")>(new URL("./job.ts", import.meta.url))`.
 * Each call is a job of its own on the cloud. Throws CanopyError "invalid" where it does not compile.
 */
export async function load<M>(module: URL | string, options: LoadOptions = {}): Promise<Loaded<M>> {
  const client = options.client ?? (await connect(options));
  const file = module instanceof URL || module.startsWith("file:") ? fileURLToPath(module) : module;
  const { bundleModule } = await import("./bundle.ts");
  const { code, key } = await bundleModule(file);
  const exports = await importBundle(code, options.world ?? thisWorld());
  if (!(await client.hasBlob(key))) await client.putBlob(code);
  const loaded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(exports)) {
    const definition = definitionOf(value);
    if (definition) loaded[name] = remoteOf(client, key, definition);
  }
  return loaded as Loaded<M>;
}

/**
 * Runs a bundle in this process, to see what it exports. Its folder is gone when this returns. The stack
 * of what it throws tells the user's own files.
 */
export async function importBundle(
  code: Uint8Array,
  { files, random, temporary }: Pick<World, "files" | "random" | "temporary">,
): Promise<Record<string, unknown>> {
  const folder = join(temporary, `canopy-bundle-${randomText(random, 12)}`);
  const file = join(folder, "module.mjs");
  await files.write(file, code);
  const areMapped = process.sourceMapsEnabled;
  process.setSourceMapsEnabled(true);
  try {
    const exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    nameExports(exports); // a bundle has told its names to its own copy of the SDK only
    return exports;
  } catch (thrown) {
    if (thrown instanceof Error) void thrown.stack; // made when it is first read: now, while there is a map
    throw thrown;
  } finally {
    process.setSourceMapsEnabled(areMapped);
    await files.remove(folder);
  }
}

function remoteOf(client: Client, module: string, definition: Definition): unknown {
  const venue = () => new Program(client, module);
  if (definition.type === "task") return taskOf(definition, venue);
  if (definition.type === "map-reduce") return mapReduceOf(definition, venue);
  const start = (...args: unknown[]) => startJob(client, jobRequestOf(definition, module, args));
  const call = async (...args: unknown[]) => (await start(...args)).result();
  return Object.defineProperty(Object.assign(call, { start }), definitionSymbol, {
    value: definition,
  });
}

/** The request for a job whose one step runs a job's function on these arguments. */
export function jobRequestOf(
  definition: JobDefinition,
  module: string,
  args: readonly unknown[],
): JobRequestInput {
  const { priority } = definition.options;
  return {
    title: titleOf(definition),
    ...(priority === undefined ? {} : { priority }),
    // What fails is thrown where it was called, and the function tells what becomes of the job.
    onFailure: "continue",
    open: true,
    main: "main",
    steps: [
      {
        ...optionsOf(definition),
        name: "main",
        title: titleOf(definition),
        run: { driver: "runner", module, function: functionOf(definition), role: "job" },
        retries: 0,
        source: { type: "inputs", inputs: [JSON.parse(encodeValue(args))] },
      },
    ],
  };
}

async function startJob(client: Client, request: JobRequestInput): Promise<JobHandle<unknown>> {
  const { id } = await client.submitJob(request);
  return {
    id,
    result: async () => valueOf(client, request.title, await waitForEnd(client, id)),
    cancel: async (reason) => void (await client.cancelJob(id, reason)),
  };
}

const waitMsMax = 20_000;

/** Waits for a job's end, however long it takes. */
export async function waitForEnd(client: Client, job: string): Promise<JobResult> {
  for (;;) {
    const result = await client.result(job, waitMsMax);
    if (result.phase !== "running") return result;
  }
}

async function valueOf(client: Client, title: string, ended: JobResult): Promise<unknown> {
  if (ended.error && ended.phase !== "cancelled")
    throw new TaskFailed(title, `${ended.id}/0/0`, 0, ended.error);
  if (ended.phase !== "succeeded") {
    throw new CanopyError(
      "conflict",
      `Cannot give a result as ${ended.id} (${title}) ${ended.phase}: ${ended.reason ?? "no reason was given"}`,
      {
        hint: `Ask with: canopy why ${ended.id}`,
      },
    );
  }
  if (ended.resultBlob !== undefined)
    return decodeValue(Buffer.from(await client.getBlob(ended.resultBlob)).toString());
  return ended.result === undefined ? undefined : decodeValue(ended.result);
}

/** Calls from a program: each is a job of its own. */
class Program implements Venue {
  readonly #client: Client;
  readonly #module: string;

  constructor(client: Client, module: string) {
    this.#client = client;
    this.#module = module;
  }

  start(call: Call) {
    const steps = stepsOf(call, this.#module, 0).map(({ number: _, ...step }) => step);
    const title = exportedName(call.definition) ?? titleOf(call.definition);
    const made = this.#client.submitJob({
      title,
      onFailure: call.errors === "values" ? "continue" : "stop",
      steps,
    });
    return cloudCall(
      this.#client,
      call,
      made.then((job) => this.#stepsOf(job.id)),
    );
  }

  record = async (_name: string, make: () => unknown): Promise<unknown> => await make();

  async #stepsOf(job: string): Promise<MadeSteps> {
    const { items } = await this.#client.steps(job);
    return { job, first: items[0]!, last: items.at(-1)! };
  }
}
