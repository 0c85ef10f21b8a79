import { limits } from "#/base/limits.ts";
import type { IncomingRequest, OutgoingAnswer } from "#/base/network.ts";
import type { Process } from "#/base/processes.ts";
import type { FunctionCall } from "#/model/function-wire.ts";
import type { Conversation, RuntimeBrief, RuntimeEvents } from "./conversation.ts";
import { tooLargeError } from "./function-errors.ts";
import { errorIn } from "./own-runtime.ts";
import type { FunctionParts } from "./parts.ts";

/** Where a sandbox reaches its runtime API, in its own network namespace. */
const address = { host: "127.0.0.1", port: 9001 };
const root = "/2018-06-01/runtime";

/**
 * The Lambda Runtime API, for programs that a function brings itself (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html):
 * "bootstrap" of its archive, and the clients of any language that it is made with.
 */
export class RuntimeApi implements Conversation {
  #process: Process | undefined;
  #events: RuntimeEvents | undefined;
  #server: { close(): Promise<void> } | undefined;
  #isReady = false;
  #call: { call: FunctionCall; deadline: number; isTold: boolean } | undefined;
  /** A runtime that asks for its next call, and waits. */
  #next: PromiseWithResolvers<OutgoingAnswer> | undefined;

  /** Throws CanopyError "unavailable" when the port cannot be opened. */
  static async open(
    { network }: Pick<FunctionParts, "network">,
    namespace: string,
  ): Promise<RuntimeApi> {
    const api = new RuntimeApi();
    api.#server = await network.serve({ ...address, namespace }, (request) => api.#answer(request));
    return api;
  }

  /** It is an environment's from now on. */
  serve(process: Process, events: RuntimeEvents): this {
    this.#process = process;
    this.#events = events;
    return this;
  }

  /** What waits in the sandbox becomes the function's own program. */
  begin({ env }: RuntimeBrief): void {
    const api = `${address.host}:${address.port}`;
    const { stdin } = this.#process!;
    stdin.write(becoming({ ...env, AWS_LAMBDA_RUNTIME_API: api }));
    stdin.end();
  }

  invoke(call: FunctionCall, deadline: number): void {
    this.#call = { call, deadline, isTold: false };
    this.#tellNext();
  }

  close(): void {
    void this.#server?.close();
  }

  async #answer(request: IncomingRequest): Promise<OutgoingAnswer> {
    const { method, path } = request;
    if (method === "GET" && path === `${root}/invocation/next`) return this.#nextCall();
    if (method === "POST" && path === `${root}/init/error`) return this.#initError(request);
    const [, id, what] =
      /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (method === "POST" && id !== undefined) return this.#ended(request, id, what === "error");
    return fault(404, "NotFound", `There is no ${method} ${path}`);
  }

  #nextCall(): Promise<OutgoingAnswer> {
    this.#next = Promise.withResolvers<OutgoingAnswer>();
    const { promise } = this.#next;
    if (!this.#isReady) {
      this.#isReady = true;
      this.#events!.ready();
    }
    this.#tellNext();
    return promise;
  }

  #tellNext(): void {
    if (!this.#call || this.#call.isTold || !this.#next) return;
    this.#call.isTold = true;
    const { call, deadline } = this.#call;
    const { requestId, arn, traceId, clientContext, payload } = call;
    this.#next.resolve({
      status: 200,
      headers: {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": requestId,
        "Lambda-Runtime-Deadline-Ms": String(deadline),
        "Lambda-Runtime-Invoked-Function-Arn": arn,
        "Lambda-Runtime-Trace-Id": traceId,
        ...headerOf(clientContext),
      },
      body: Buffer.from(payload),
    });
    this.#next = undefined;
  }

  async #ended(request: IncomingRequest, id: string, isError: boolean): Promise<OutgoingAnswer> {
    if (!this.#isUnderWay(id)) return unknownId(id);
    const body = await bodyOf(request);
    if (!this.#isUnderWay(id)) return unknownId(id);
    this.#call = undefined;
    if (body === undefined) {
      const { errorType, errorMessage } = tooLargeError(limits.functionAnswerBytesMax);
      const payload = JSON.stringify({ errorType, errorMessage });
      this.#events!.answered({ requestId: id, isError: true, payload });
      return fault(413, "RequestEntityTooLarge", errorMessage);
    }
    const payload = isError && body === "" ? JSON.stringify(typed(request, body)) : body;
    this.#events!.answered({ requestId: id, isError, payload });
    return accepted;
  }

  async #initError(request: IncomingRequest): Promise<OutgoingAnswer> {
    const body = await bodyOf(request);
    if (this.#isReady) return fault(403, "InvalidStateTransition", "The runtime is ready already");
    this.#events!.broken(typed(request, body ?? ""));
    return accepted;
  }

  #isUnderWay(id: string): boolean {
    return this.#call?.isTold === true && this.#call.call.requestId === id;
  }
}

/** JSON on one line of ASCII; what is no JSON is not told, as no header could hold it. */
function headerOf(clientContext: string | undefined): Record<string, string> {
  if (clientContext === undefined) return {};
  try {
    const text = JSON.stringify(JSON.parse(Buffer.from(clientContext, "base64").toString()));
    const ascii = text.replaceAll(
      /[^ -~]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    return { "Lambda-Runtime-Client-Context": ascii };
  } catch {
    return {};
  }
}

const accepted: OutgoingAnswer = {
  status: 202,
  headers: { "Content-Type": "application/json" },
  body: Buffer.from('{"status":"OK"}\n'),
};

const unknownId = (id: string) => fault(400, "InvalidRequestID", `Invalid request ID: ${id}`);

function fault(status: number, errorType: string, errorMessage: string): OutgoingAnswer {
  const body = Buffer.from(JSON.stringify({ errorMessage, errorType }));
  return { status, headers: { "Content-Type": "application/json" }, body };
}

/** Undefined for one that is too large; all of it is read, so that its sender hears why. */
async function bodyOf({ body }: IncomingRequest): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes <= limits.functionAnswerBytesMax) pieces.push(piece);
  }
  return bytes > limits.functionAnswerBytesMax ? undefined : Buffer.concat(pieces).toString();
}

/** An error with the type that a header tells where its body does not. */
function typed({ headers }: IncomingRequest, body: string) {
  const error = errorIn(body);
  const told = headers["lambda-runtime-function-error-type"];
  return error.errorType === "Runtime.Unknown" && told !== undefined
    ? { ...error, errorType: told.slice(0, 200) }
    : error;
}

/** A script after which a waiting shell is the program: its environment is in nobody's command line. */
function becoming(env: Readonly<Record<string, string>>): string {
  const settings = Object.entries(env)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`);
  return [...settings, "cd /var/task", "exec 3>&- </dev/null /var/task/bootstrap", ""].join("\n");
}
