import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FunctionRig } from "./testing/function-rig.ts";

const rig = await FunctionRig.open();
after(() => rig.close());

const handlers = `
import logging, os, sys, time
calls = 0
def lambda_handler(event, context):
    global calls
    calls += 1
    deed = event["do"]
    if deed == "echo": return event
    if deed == "calls": return calls
    if deed == "context": return [context.function_name, context.aws_request_id, context.invoked_function_arn, context.get_remaining_time_in_millis(), os.environ["GREETING"]]
    if deed == "print":
        print("one", {"two": 2})
        logging.getLogger().warning("three")
    if deed == "throw": raise ValueError("too far")
    if deed == "exit": sys.exit(4)
    if deed == "hang": time.sleep(60)
    if deed == "set": return {1, 2}
    if deed == "large": return "x" * (7 << 20)
    if deed == "memory":
        kept = []
        while True: kept.append(bytearray(b"x" * (1 << 22)))
`;
const start = (more = {}) => rig.start("python", { "lambda_function.py": handlers }, more);

test("a handler in Python is called with its event and what AWS's context has", async () => {
  const run = await start();
  const event = { do: "echo", list: [1.5, "zwei", null], text: "ä\tb\nc" };
  assert.deepEqual(await run.call(event), event);
  assert.equal(await run.call({ do: "calls" }), 2);
  const [name, id, arn, left, greeting] = (await run.call({ do: "context" })) as unknown[];
  assert.deepEqual([name, greeting], ["f", "hello 'you'\nand more"]);
  assert.match(`${id} ${arn}`, /^[0-9a-f-]{36} arn:aws:lambda:/);
  assert.ok(Number(left) > 1000 && Number(left) <= 5000);
  await run.call({ do: "print" });
  await run.end();
  assert.equal(run.lines[0]!.text, "one {'two': 2}");
  assert.match(run.lines[1]!.text, /^\[WARNING\]\t\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\tthree$/);
});

test("what a handler in Python raises is its call's error, with its stack", async () => {
  const run = await start();
  const thrown = (await run.call({ do: "throw" })) as Record<string, unknown>;
  assert.equal(thrown["errorType"], "ValueError");
  assert.equal(thrown["errorMessage"], "too far");
  assert.match(String(thrown["requestId"]), /^[0-9a-f-]{36}$/);
  const [frame] = thrown["stackTrace"] as string[];
  assert.match(
    frame!,
    /^ {2}File "\/var\/task\/lambda_function\.py", line \d+, in lambda_handler\n {4}if deed == "throw"/,
  );
  const typeOf = async (deed: string) =>
    ((await run.call({ do: deed })) as Record<string, unknown>)["errorType"];
  assert.equal(await typeOf("set"), "Runtime.MarshalError");
  assert.equal(await typeOf("large"), "Function.ResponseSizeTooLarge");
  assert.equal(await run.call({ do: "calls" }), 4);
  await run.end();
  assert.match(
    run.lines[0]!.text,
    /^\[ERROR\] ValueError: too far\nTraceback \(most recent call last\):\n/,
  );
});

test("an environment in Python that exits, hangs or has no memory answers Lambda's own error", async () => {
  const fates = {
    exit: "Runtime.ExitError",
    hang: "Sandbox.Timedout",
    memory: "Runtime.OutOfMemory",
  };
  await Promise.all(
    Object.entries(fates).map(async ([deed, errorType]) => {
      const run = await start({ memoryBytes: 128 * 2 ** 20 });
      const told = (await run.call({ do: deed }, deed === "hang" ? 300 : 10_000)) as Record<
        string,
        unknown
      >;
      assert.equal(told["errorType"], errorType, JSON.stringify(told));
      assert.equal(await run.ended, undefined);
    }),
  );
});

test("a module in Python that cannot be loaded says why, in AWS's types", async () => {
  const failures: [Record<string, string>, string, RegExp][] = [
    [
      { "other.py": "" },
      "Runtime.ImportModuleError",
      /^Unable to import module 'lambda_function': No module named 'lambda_function'$/,
    ],
    [
      { "lambda_function.py": "def lambda_handler(:" },
      "Runtime.UserCodeSyntaxError",
      /^Syntax error in module 'lambda_function'/,
    ],
    [
      { "lambda_function.py": "other = 1" },
      "Runtime.HandlerNotFound",
      /^Handler 'lambda_handler' missing on module 'lambda_function'$/,
    ],
    [{ "lambda_function.py": "import os; os._exit(6)" }, "Runtime.ExitError", /exit status 6$/],
  ];
  for (const [files, errorType, message] of failures) {
    const run = await rig.start("python", files);
    const error = await run.ended;
    assert.equal(error?.errorType, errorType, JSON.stringify(error));
    assert.match(error.errorMessage, message);
  }
});
