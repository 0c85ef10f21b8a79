import { randomUUID } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { EnvironmentBrief, FunctionAnswer, FunctionError } from "#/model/function-wire.ts";
import type { FunctionInterpreter } from "#/model/function.ts";
import type { Environment } from "../environment.ts";
import { openFunctions, type Functions } from "../functions.ts";
import type { PrintedLine } from "../prints.ts";
import { packZip } from "./pack-zip.ts";

const MiB = 1024 * 1024;
let rigCount = 0;

/** Functions over real sandboxes, their archives packed from texts. */
export class FunctionRig {
  readonly folder: string;
  readonly functions: Functions;
  #archives: Map<string, string>;
  #close: () => void;
  #packed = 0;

  static async open(): Promise<FunctionRig> {
    const folder = await mkdtemp(join(tmpdir(), "canopy-functions-"));
    const host = nodeHost(silent);
    const archives = new Map<string, string>();
    const cages = host.processes.cages(`canopy-functions-${process.pid}-${++rigCount}`);
    const functions = await openFunctions({
      ...host,
      folder: join(folder, "functions"),
      cages,
      mark: { CANOPY_SECRET_OF_THE_AGENT: "not for functions" },
      blobs: {
        fetch: async (_project, blob) => {
          const path = archives.get(blob)!;
          return { path, sizeBytes: (await stat(path)).size };
        },
      },
    });
    return new FunctionRig(folder, functions, archives, () => cages?.close());
  }

  private constructor(
    folder: string,
    functions: Functions,
    archives: Map<string, string>,
    close: () => void,
  ) {
    this.folder = folder;
    this.functions = functions;
    this.#archives = archives;
    this.#close = close;
  }

  /** Packs files into an archive; names that end in "!" are to be executable. */
  async pack(files: Readonly<Record<string, string>>): Promise<string> {
    const blob = `blob-${++this.#packed}`;
    const path = await packZip(this.folder, blob, files);
    this.take(blob, path);
    return blob;
  }

  take(blob: string, path: string): void {
    this.#archives.set(blob, path);
  }

  async start(
    interpreter: FunctionInterpreter,
    files: Readonly<Record<string, string>>,
    more: Partial<EnvironmentBrief> = {},
  ): Promise<RunningFunction> {
    return new RunningFunction(this.functions, {
      project: "p",
      interpreter,
      handler: interpreter === "python" ? "lambda_function.lambda_handler" : "index.handler",
      code: { blob: more.code?.blob ?? (await this.pack(files)), sizeBytes: 1 },
      memoryBytes: 256 * MiB,
      milliCpus: 2000,
      ephemeralBytes: 512 * MiB,
      initMs: 10_000,
      env: { AWS_LAMBDA_FUNCTION_NAME: "f", GREETING: "hello 'you'\nand more" },
      ...more,
    });
  }

  async close(): Promise<void> {
    await this.functions.close();
    this.#close();
    await rm(this.folder, { recursive: true });
  }
}

export class RunningFunction {
  readonly lines: PrintedLine[] = [];
  /** How long it took to be ready. Rejects with what ended it before. */
  readonly ready: Promise<number>;
  readonly ended: Promise<FunctionError | undefined>;
  #environment: Environment;
  #answers = new Map<string, (answer: FunctionAnswer) => void>();

  constructor(functions: Functions, brief: EnvironmentBrief) {
    const ready = Promise.withResolvers<number>();
    const ended = Promise.withResolvers<FunctionError | undefined>();
    this.ready = ready.promise;
    this.ready.catch(() => {});
    this.ended = ended.promise;
    this.#environment = functions.start(brief, {
      ready: ready.resolve,
      answered: (requestId, answer) => this.#answers.get(requestId)?.(answer),
      printed: (lines) => void this.lines.push(...lines),
      ended: (error) => {
        ready.reject(new Error(JSON.stringify(error)));
        ended.resolve(error);
      },
    });
  }

  get printed(): string {
    return this.lines.map(({ text }) => text).join("\n");
  }

  invoke(event: unknown, timeoutMs = 5000, clientContext?: string): Promise<FunctionAnswer> {
    const requestId = randomUUID();
    const answer = Promise.withResolvers<FunctionAnswer>();
    this.#answers.set(requestId, answer.resolve);
    this.#environment.invoke({
      requestId,
      payload: JSON.stringify(event),
      timeoutMs,
      arn: "arn:aws:lambda:eu-central-1:000000000000:function:f",
      traceId: "Root=1-0-0",
      ...(clientContext !== undefined && { clientContext }),
    });
    return answer.promise;
  }

  /** What it gave, or the error that it ended in. */
  async call(event: unknown, timeoutMs?: number): Promise<unknown> {
    await this.ready;
    return JSON.parse((await this.invoke(event, timeoutMs)).payload);
  }

  end(): Promise<void> {
    return this.#environment.end();
  }
}
