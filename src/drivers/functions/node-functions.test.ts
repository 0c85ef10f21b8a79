import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FunctionRig } from "./testing/function-rig.ts";

const rig = await FunctionRig.open();
after(() => rig.close());

/** One module with a handler for each thing that can go well or wrong: the event says which. */
const handlers = `
import { readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
let calls = 0;
const deeds = {
  echo: (event) => event,
  calls: () => ++calls,
  context: (event, context) => {
    const { awsRequestId, functionName, invokedFunctionArn } = context;
    return { awsRequestId, functionName, invokedFunctionArn, left: context.getRemainingTimeInMillis(), greeting: process.env.GREETING };
  },
  print: () => { console.log("one", { two: 2 }); console.error("three\\nfour"); },
  throw: () => { throw new RangeError("too far"); },
  later: () => { setTimeout(() => { throw new Error("from a timer"); }, 1); return new Promise(() => {}); },
  reject: () => { Promise.reject(new TypeError("nobody catches it")); return new Promise((done) => setTimeout(done, 1000)); },
  exit: ({ code }) => process.exit(code),
  hang: () => { for (;;); },
  never: () => new Promise(() => {}),
  memory: () => { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 22, 1)); },
  large: () => "x".repeat(7 << 20),
  circle: () => { const circle = {}; circle.circle = circle; return circle; },
  nothing: () => {},
  flood: () => { const text = "y".repeat(1 << 16); for (let i = 0; i < 64; i++) console.log(text); return "done"; },
  keep: ({ text }) => writeFileSync("/tmp/kept", text),
  kept: () => readFileSync("/tmp/kept", "utf8"),
  fork: async () => {
    const children = Array.from({ length: 20 }, () => spawn("sleep", ["1000"]));
    await Promise.all(children.map((child) => new Promise((done) => child.on("spawn", done))));
    return children.length;
  },
};
export const handler = async (event, context) => deeds[event.do](event, context);
`;
const start = (more = {}) => rig.start("node", { "index.mjs": handlers }, more);
type Told = Record<string, unknown>;

test("a function answers what its handler gives, and keeps what it has from call to call", async () => {
  const run = await start();
  const event = { do: "echo", list: [1, "zwei", null], text: "a\tb\nc" };
  assert.deepEqual(await run.call(event), event);
  assert.equal(await run.call({ do: "calls" }), 1);
  assert.equal(await run.call({ do: "calls" }), 2);
  assert.equal(await run.call({ do: "nothing" }), null);
  await run.call({ do: "keep", text: "for later" });
  assert.equal(await run.call({ do: "kept" }), "for later");
  const context = (await run.call({ do: "context" })) as Told;
  assert.equal(context["functionName"], "f");
  assert.equal(context["greeting"], "hello 'you'\nand more");
  assert.match(String(context["invokedFunctionArn"]), /^arn:aws:lambda:.*:function:f$/);
  assert.ok(Number(context["left"]) > 1000 && Number(context["left"]) <= 5000);
  const { usage } = await run.invoke({ do: "calls" });
  assert.ok(usage.memoryPeakBytes > 2 ** 20 && usage.initMs === undefined);
  await run.end();
  assert.equal(await run.ended, undefined);
});

test("what a handler prints comes as lines of the call, as AWS forms them", async () => {
  const run = await start();
  await run.call({ do: "print" });
  await run.call({ do: "throw" });
  await run.end();
  const [line, error, thrown] = run.lines;
  assert.match(line!.text, /^\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\tINFO\tone { two: 2 }$/);
  assert.match(error!.text, /\tERROR\tthree\nfour$/);
  assert.match(thrown!.text, /\tERROR\tInvoke Error \t{"errorType":"RangeError"/);
  assert.ok(line!.requestId !== undefined && line!.text.includes(line!.requestId));
  assert.notEqual(thrown!.requestId, line!.requestId);
});

test("what a handler throws is its call's error, and it goes on", async () => {
  const run = await start();
  await run.ready;
  const { error, payload } = await run.invoke({ do: "throw" });
  assert.equal(error, "Unhandled");
  const { errorType, errorMessage, trace } = JSON.parse(payload);
  assert.deepEqual([errorType, errorMessage], ["RangeError", "too far"]);
  assert.match(trace[1], /file:\/\/\/var\/task\/index\.mjs:\d+/);
  const typeOf = async (deed: string) => ((await run.call({ do: deed })) as Told)["errorType"];
  assert.equal(await typeOf("large"), "Function.ResponseSizeTooLarge");
  assert.equal(await typeOf("circle"), "Runtime.MarshalError");
  assert.equal(await typeOf("never"), "Runtime.NodeJsExit");
  assert.equal(await run.call({ do: "calls" }), 1);
  await run.end();
});

test("an environment whose process ends, hangs or has no memory answers Lambda's own error and is gone", async () => {
  const fates = [
    [
      { do: "exit", code: 3 },
      "Runtime.ExitError",
      /^RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3$/,
    ],
    [
      { do: "exit", code: 0 },
      "Runtime.ExitError",
      /Error: Runtime exited without providing a reason$/,
    ],
    [
      { do: "hang" },
      "Sandbox.Timedout",
      /^RequestId: [0-9a-f-]{36} Error: Task timed out after 0\.30 seconds$/,
    ],
    [{ do: "memory" }, "Runtime.OutOfMemory", /Error: Runtime exited with error: signal: killed$/],
    [{ do: "later" }, "Error", /^from a timer$/],
    [{ do: "reject" }, "Runtime.UnhandledPromiseRejection", /^TypeError: nobody catches it$/],
  ] as const;
  await Promise.all(
    fates.map(async ([event, errorType, message]) => {
      const run = await start({ memoryBytes: 128 * 2 ** 20 });
      await run.ready;
      const { error, payload } = await run.invoke(event, event.do === "hang" ? 300 : 10_000);
      assert.equal(error, "Unhandled");
      const told = JSON.parse(payload) as { errorType: string; errorMessage: string };
      assert.equal(told.errorType, errorType, payload);
      assert.match(told.errorMessage, message);
      assert.equal(await run.ended, undefined);
    }),
  );
});

test("what a handler has started is ended with its environment", async () => {
  const run = await start();
  assert.equal(await run.call({ do: "fork" }), 20);
  await run.end();
});

test("a handler that prints without bound is cut short with a line that says so", async () => {
  const run = await start();
  assert.equal(await run.call({ do: "flood" }, 20_000), "done");
  await run.end();
  assert.ok(/^canopy: this call has printed more than \d+ bytes/.test(run.lines.at(-1)!.text));
  assert.ok(run.printed.length < 3 * 2 ** 20);
});

test("one that rests stands still, and runs when it is called", async () => {
  const ticking =
    "let ticks = 0; setInterval(() => ticks++, 10); exports.handler = async () => ticks;";
  const run = await rig.start("node", { "index.js": ticking });
  const [before] = [Number(await run.call({}))];
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const ticked = Number(await run.call({})) - before;
  assert.ok(ticked < 160, `it ticked ${ticked} times in two seconds`);
  await run.end();
});

const small: [title: string, files: Record<string, string>, handler: string, gives: unknown][] = [
  [
    "CommonJS",
    { "index.js": "exports.handler = async () => 'common';" },
    "index.handler",
    "common",
  ],
  [
    "a callback",
    {
      "index.cjs":
        "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 'called back'), 1); };",
    },
    "index.handler",
    "called back",
  ],
  [
    "context.done",
    { "index.js": "exports.handler = (event, context) => context.succeed('done');" },
    "index.handler",
    "done",
  ],
  [
    "a folder and a path in the module",
    { "src/app.mjs": "export default { api: { get: async () => 'nested' } };" },
    "src/app.api.get",
    "nested",
  ],
  [
    "what package.json says is a module",
    {
      "index.js": "export const handler = async () => import.meta.url;",
      "package.json": '{"type":"module"}',
    },
    "index.handler",
    "file:///var/task/index.js",
  ],
  [
    "packages of its own",
    {
      "index.js": "exports.handler = async () => require('own');",
      "node_modules/own/index.js": "module.exports = 'packed';",
    },
    "index.handler",
    "packed",
  ],
];
test("handlers are found where AWS finds them", async () => {
  await Promise.all(
    small.map(async ([title, files, handler, gives]) => {
      const run = await rig.start("node", files, { handler });
      assert.deepEqual(await run.call({}), gives, title);
      await run.end();
    }),
  );
});

test("code that cannot be loaded says why, in AWS's types", async () => {
  const failures: [Record<string, string>, string, RegExp][] = [
    [{ "other.js": "" }, "Runtime.ImportModuleError", /^Error: Cannot find module 'index'/],
    [
      { "index.js": "require('not-packed')" },
      "Runtime.ImportModuleError",
      /Cannot find module 'not-packed'/,
    ],
    [{ "index.js": "exports.handler = (" }, "Runtime.UserCodeSyntaxError", /^SyntaxError: /],
    [
      { "index.js": "exports.other = 1" },
      "Runtime.HandlerNotFound",
      /^index\.handler is undefined or not exported$/,
    ],
    [{ "index.js": "throw new TypeError('at once')" }, "TypeError", /^at once$/],
    [
      { "index.js": "process.exit(5)" },
      "Runtime.ExitError",
      /^Error: Runtime exited with error: exit status 5$/,
    ],
    [
      { "index.js": "for (;;);" },
      "Sandbox.Timedout",
      /^Error: Init phase timed out after 0\.70 seconds$/,
    ],
  ];
  await Promise.all(
    failures.map(async ([files, errorType, message]) => {
      const run = await rig.start("node", files, {
        ...(errorType === "Sandbox.Timedout" && { initMs: 700 }),
      });
      const error = await run.ended;
      assert.equal(error?.errorType, errorType, JSON.stringify(error));
      assert.match(error.errorMessage, message);
    }),
  );
});
