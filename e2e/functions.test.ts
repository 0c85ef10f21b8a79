import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { makeZip } from "#/functions/testing/make-zip.ts";
import { TestCloud } from "./cloud.ts";
import { debianTools, type DebianTools } from "./debian-aws.ts";
import { until } from "./until.ts";

const cloud = new TestCloud();
let tools: DebianTools;
let role: string;
before(async () => {
  await cloud.up();
  tools = await debianTools(cloud, cloud.dataFolder);
  const trust = {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "lambda.amazonaws.com" },
        Action: "sts:AssumeRole",
      },
    ],
  };
  const named = ["--role-name", "runs", "--assume-role-policy-document", JSON.stringify(trust)];
  role = await cli("iam", "create-role", ...named, "--query", "Role.Arn");
});
after(() => cloud.stop());

const cli: DebianTools["aws"] = (...words) => tools.aws(...words);
const inFolder = (name: string) => join(cloud.dataFolder, name);

const node = `
let calls = 0;
export async function handler(event, context) {
  if (event.does === "throw") throw new TypeError("what it says");
  if (event.does === "hang") await new Promise(() => setInterval(() => {}, 1000));
  if (event.does === "exit") process.exit(3);
  console.log("called with", event.name);
  return { calls: ++calls, name: event.name, secret: process.env.SECRET, key: event.Records?.[0].s3.object.key };
}`;
const python = `
calls = 0
def handler(event, context):
    global calls
    calls += 1
    return {"calls": calls, "name": event["name"], "left": context.get_remaining_time_in_millis() > 0}
`;

async function make(title: string, runtime: string, file: string, code: string): Promise<void> {
  const zip = inFolder(`${title}.zip`);
  await writeFile(zip, makeZip([{ name: file, content: code }]));
  const runs = [
    "--runtime",
    runtime,
    "--handler",
    `${file.split(".")[0]!}.handler`,
    "--role",
    role,
  ];
  const more = ["--timeout", "2", "--environment", "Variables={SECRET=word}"];
  const named = ["--function-name", title, "--zip-file", `fileb://${zip}`];
  await cli("lambda", "create-function", ...named, ...runs, ...more);
}

async function invoke(title: string, event: object, ...more: string[]) {
  const out = inFolder("out.json");
  const asked = ["--function-name", title, "--payload", JSON.stringify(event), ...more];
  const told = ["--cli-binary-format", "raw-in-base64-out", "--output", "json"];
  const said = JSON.parse(await cli("lambda", "invoke", ...told, ...asked, out)) as {
    FunctionError?: string;
    LogResult?: string;
    StatusCode: number;
  };
  return { ...said, payload: JSON.parse((await readFile(out, "utf8")) || "null") as unknown };
}

test("awscli runs functions of Node and Python, whose memory stays from call to call", async () => {
  await make("node", "nodejs22.x", "index.mjs", node);
  await make("python", "python3.12", "app.py", python);
  const first = await invoke("node", { name: "ada" }, "--log-type", "Tail");
  assert.deepEqual(first.payload, { calls: 1, name: "ada", secret: "word" });
  const log = Buffer.from(first.LogResult!, "base64").toString();
  assert.match(
    log,
    /^START RequestId: (\S+) Version: \$LATEST\n.*\t\1\tINFO\tcalled with ada\nEND RequestId: \1\nREPORT RequestId: \1\tDuration: .* ms\t.*Init Duration: /,
  );
  const second = await invoke("node", { name: "bob" });
  assert.deepEqual(second.payload, { calls: 2, name: "bob", secret: "word" });
  for (const calls of [1, 2])
    assert.deepEqual((await invoke("python", { name: "eve" })).payload, {
      calls,
      name: "eve",
      left: true,
    });
});

test("awscli hears in Lambda's words what a function did wrong, and the next call is unharmed", async () => {
  const wrong = [
    ["throw", "TypeError", /^what it says$/],
    ["hang", "Sandbox.Timedout", /Task timed out after 2\.00 seconds/],
    ["exit", "Runtime.ExitError", /exit status 3/],
  ] as const;
  for (const [does, type, message] of wrong) {
    const { StatusCode, FunctionError, payload } = await invoke("node", { does });
    assert.equal(StatusCode, 200);
    assert.equal(FunctionError, "Unhandled");
    const { errorType, errorMessage } = payload as { errorType: string; errorMessage: string };
    assert.equal(errorType, type);
    assert.match(errorMessage, message);
  }
  assert.equal((await invoke("node", { name: "after" })).FunctionError, undefined);
  await assert.rejects(invoke("none", {}), /ResourceNotFoundException/);
});

test("events, of a bucket too, are run on though all is killed, and who is to know is told", async () => {
  const url = await cli("sqs", "create-queue", "--queue-name", "told", "--query", "QueueUrl");
  const arnOf = ["--query", "Attributes.QueueArn", "--attribute-names", "QueueArn"];
  const queue = await cli("sqs", "get-queue-attributes", "--queue-url", url, ...arnOf);
  const on = { OnSuccess: { Destination: queue }, OnFailure: { Destination: queue } };
  const settings = ["--maximum-retry-attempts", "0", "--destination-config", JSON.stringify(on)];
  const named = ["--function-name", "node"];
  await cli("lambda", "put-function-event-invoke-config", ...named, ...settings);
  const query = ["--query", "Configuration.FunctionArn"];
  const arn = await cli("lambda", "get-function", ...named, ...query);
  await cli("s3api", "create-bucket", "--bucket", "events");
  const rule = { LambdaFunctionArn: arn, Events: ["s3:ObjectCreated:*"] };
  const rules = JSON.stringify({ LambdaFunctionConfigurations: [rule] });
  const bucket = ["--bucket", "events"];
  await cli(
    "s3api",
    "put-bucket-notification-configuration",
    ...bucket,
    "--notification-configuration",
    rules,
  );
  await cli("s3api", "put-object", ...bucket, "--key", "a.txt");
  const names = ["one", "two", "three"];
  for (const name of names)
    assert.equal((await invoke("node", { name }, "--invocation-type", "Event")).StatusCode, 202);
  await invoke("node", { does: "throw" }, "--invocation-type", "Event");
  await cloud.kill();
  await cloud.up();
  const heard = new Set<string>();
  await until("all of it was told", async () => {
    const asked = ["--queue-url", url, "--max-number-of-messages", "10", "--output", "json"];
    const said = await cli("sqs", "receive-message", ...asked, "--wait-time-seconds", "1");
    const { Messages = [] } = (said ? JSON.parse(said) : {}) as { Messages?: { Body: string }[] };
    for (const { Body } of Messages) {
      const { requestContext, responsePayload } = JSON.parse(Body) as {
        requestContext: { condition: string };
        responsePayload: { name?: string; key?: string; errorMessage?: string };
      };
      const { name, key, errorMessage } = responsePayload;
      heard.add(`${requestContext.condition} ${name ?? key ?? errorMessage}`);
    }
    return heard.size >= 5;
  });
  const fine = [...names, "a.txt"].map((name) => `Success ${name}`);
  assert.deepEqual([...heard].sort(), [...fine, "RetriesExhausted what it says"].sort());
});
