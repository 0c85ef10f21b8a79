// Runs the handlers of Node.js functions. It is started before it is known for whom, says that it waits, and is then told by lines
// on descriptor 3, fields with tabs between:
//   s JSON                                                      its code is there: load it
//   i ID DEADLINE_MS ARN TRACE CLIENT_CONTEXT PAYLOAD           one call
// It answers
//   w                       it waits for its code
//   R                       it waits for a call
//   B JSON                  the code cannot be loaded
//   r ID CPU_US PEAK_KB PRINTED_BYTES JSON    what the handler gave
//   e ID CPU_US PEAK_KB PRINTED_BYTES JSON    what it threw
// where PRINTED_BYTES is all that it has printed by then: whoever reads that knows when it has read what belongs to the call.
// What handlers see, and the words of errors, are those of AWS's own client:
// https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
import { existsSync } from "node:fs";
import { Socket } from "node:net";
import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const taskRoot = "/var/task";
/** Of an answer: 6 MiB and what AWS allows for what is around it. */
const answerBytesMax = 6_291_556;

const link = new Socket({ fd: 3, readable: true, writable: true });
let rest = [];
let handler;
/** The call under way: its id and what is done when the event loop is empty. */
let call;
let requestId;

link.setEncoding("utf8");
link.on("data", (text) => {
  const end = text.lastIndexOf("\n");
  if (end < 0) return void rest.push(text);
  const whole = rest.join("") + text.slice(0, end);
  rest = end + 1 === text.length ? [] : [text.slice(end + 1)];
  for (const line of whole.split("\n")) hear(line);
});
link.on("close", () => process.exit(0));
link.on("error", () => process.exit(0));

function hear(line) {
  if (line[0] === "s") void begin(JSON.parse(line.slice(2)));
  else run(line);
}

async function begin({ handler: name, env }) {
  for (const key of Object.keys(process.env)) delete process.env[key];
  Object.assign(process.env, env);
  try {
    process.chdir(taskRoot);
    handler = await load(name);
    link.write("R\n");
  } catch (thrown) {
    console.error("Uncaught Exception", JSON.stringify(told(thrown)));
    link.write(`B\t${JSON.stringify(told(thrown))}\n`);
  }
}

/** An error with the type that AWS gives it. */
function fault(type, message, cause) {
  const error = new Error(message);
  error.name = type;
  if (cause?.stack) error.stack = `${type}: ${cause.stack}`;
  return error;
}

async function load(name) {
  const file = basename(name);
  const [, module, path] = /^([^.]*)\.(.+)$/.exec(file) ?? [];
  if (!module || name.includes("..")) throw fault("Runtime.MalformedHandlerName", "Bad handler");
  const base = resolve(taskRoot, dirname(name), module);
  const found = [".js", ".mjs", ".cjs", ""].map((end) => base + end).find(existsSync);
  if (!found) {
    const missing = `Error: Cannot find module '${module}'\nRequire stack:\n- /var/runtime/index.mjs`;
    throw fault("Runtime.ImportModuleError", missing);
  }
  let exported;
  try {
    exported = await import(pathToFileURL(found).href);
  } catch (thrown) {
    if (thrown instanceof SyntaxError)
      throw fault("Runtime.UserCodeSyntaxError", `SyntaxError: ${thrown.message}`, thrown);
    if (/^(ERR_)?MODULE_NOT_FOUND$/.test(thrown?.code))
      throw fault("Runtime.ImportModuleError", `Error: ${thrown.message}`, thrown);
    throw thrown;
  }
  const within = (root) => path.split(".").reduce((value, key) => value?.[key], root);
  const wanted = within(exported) ?? within(exported.default);
  if (wanted === undefined || wanted === null)
    throw fault("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof wanted !== "function")
    throw fault("Runtime.HandlerNotFound", `${name} is not a function`);
  return wanted;
}

function run(line) {
  const fields = [];
  let at = 2;
  for (let index = 0; index < 5; index++) {
    const tab = line.indexOf("\t", at);
    fields.push(line.slice(at, tab));
    at = tab + 1;
  }
  const [id, deadline, arn, trace, clientContext] = fields;
  requestId = id;
  process.env._X_AMZN_TRACE_ID = trace;
  const own = (call = {
    id,
    ended: false,
    onEmpty: undefined,
    isEmptyAwaited: true,
    held: undefined,
  });
  let event;
  try {
    event = JSON.parse(line.slice(at));
  } catch (thrown) {
    return fail(
      own,
      fault("Runtime.UnmarshalError", `Unable to unmarshal input: ${thrown.message}`),
    );
  }
  const context = contextOf(own, { id, deadline: Number(deadline), arn, clientContext });
  const callback = (error, value) => {
    if (own.ended || own.held) return;
    const give = () =>
      error === undefined || error === null ? succeed(own, value) : fail(own, error);
    if (!own.isEmptyAwaited) return give();
    own.held = give;
    own.onEmpty = give;
  };
  context.succeed = (value) => (own.ended ? undefined : succeed(own, value));
  context.fail = (error) => (own.ended ? undefined : fail(own, error));
  context.done = (error, value) => (error ? context.fail(error) : context.succeed(value));
  // Only what the handler has under way keeps this process now: with nothing left, no answer can come.
  link.unref();
  own.onEmpty = () => succeed(own, null);
  try {
    const value = handler(event, context, callback);
    if (typeof value?.then !== "function") return;
    own.onEmpty = () => fail(own, fault("Runtime.NodeJsExit", neverSettled));
    value.then(
      (given) => own.ended || succeed(own, given),
      (thrown) => own.ended || fail(own, thrown),
    );
  } catch (thrown) {
    if (!own.ended) fail(own, thrown);
  }
}

const neverSettled =
  "The Lambda runtime client detected an unexpected Node.js exit code. " +
  "This is most commonly caused by a Promise that was never settled.";

function contextOf(own, { id, deadline, arn, clientContext }) {
  const { env } = process;
  const context = {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: id,
    invokedFunctionArn: arn,
    clientContext: clientContext
      ? JSON.parse(Buffer.from(clientContext, "base64").toString())
      : undefined,
    identity: undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  Object.defineProperty(context, "callbackWaitsForEmptyEventLoop", {
    enumerable: true,
    get: () => own.isEmptyAwaited,
    set(value) {
      own.isEmptyAwaited = value;
      if (!value && own.held) own.held();
    },
  });
  return context;
}

function succeed(own, value) {
  let text;
  try {
    text = JSON.stringify(value === undefined ? null : value) ?? "null";
  } catch (thrown) {
    return fail(
      own,
      fault("Runtime.MarshalError", `Unable to stringify response body: ${thrown.message}`),
    );
  }
  if (text.length * 3 > answerBytesMax && Buffer.byteLength(text) > answerBytesMax) {
    const message = `Response payload size exceeded maximum allowed payload size (${answerBytesMax} bytes).`;
    return fail(own, fault("Function.ResponseSizeTooLarge", message));
  }
  answer(own, "r", text);
}

function fail(own, thrown) {
  const error = told(thrown);
  console.error("Invoke Error", "\t" + JSON.stringify(error));
  answer(own, "e", JSON.stringify(error));
}

function answer(own, kind, text) {
  own.ended = true;
  if (call === own) call = undefined;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  link.write(
    `${kind}\t${own.id}\t${userCPUTime + systemCPUTime}\t${maxRSS}\t${printedBytes}\t${text}\n`,
  );
  link.ref();
}

function told(thrown) {
  if (!(thrown instanceof Error))
    return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return {
    errorType: thrown.name || "Error",
    errorMessage: thrown.message,
    trace: String(thrown.stack ?? "").split("\n"),
  };
}

process.on("beforeExit", () => {
  const ending = call?.onEmpty;
  if (ending) ending();
  link.ref();
});

/** Nobody vouches for what is left of this process. */
function die(thrown, code) {
  const error = told(thrown);
  console.error(
    code === 128 ? "Unhandled Promise Rejection" : "Uncaught Exception",
    "\t" + JSON.stringify(error),
  );
  const own = call;
  if (own) answer(own, "e", JSON.stringify(error));
  else if (!handler) link.write(`B\t${JSON.stringify(error)}\n`);
  link.end(() => process.exit(code));
}
process.on("uncaughtException", (thrown) => die(thrown, 129));
process.on("unhandledRejection", (reason) => {
  const error = fault(
    "Runtime.UnhandledPromiseRejection",
    reason instanceof Error ? reason.toString() : String(reason),
    reason,
  );
  die(error, 128);
});

let printedBytes = 0;
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = (content, ...more) => {
  printedBytes += Buffer.byteLength(content);
  return print(content, ...more);
};

const levels = {
  log: "INFO",
  info: "INFO",
  debug: "DEBUG",
  warn: "WARN",
  error: "ERROR",
  trace: "TRACE",
};
for (const [name, level] of Object.entries(levels)) {
  console[name] = (...values) => {
    const text = format(...values).replaceAll("\n", "\r");
    process.stdout.write(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
  };
}

link.write("w\n");
