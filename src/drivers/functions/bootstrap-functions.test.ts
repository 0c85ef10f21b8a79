import assert from "node:assert/strict";
import { after, test } from "node:test";
import { FunctionRig } from "./testing/function-rig.ts";

const rig = await FunctionRig.open();
after(() => rig.close());

/** As the tutorial of AWS has it: a shell and curl. */
const shell = `#!/bin/sh
set -eu
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
echo "starts as $_HANDLER" >&2
while true; do
  event=$(curl -sS -D /tmp/headers "$api/invocation/next")
  id=$(grep -i Lambda-Runtime-Aws-Request-Id /tmp/headers | tr -d '\\r' | cut -d' ' -f2)
  echo "has $event"
  curl -sS -d "{\\"gave\\":$event,\\"greeting\\":$(printf %s "$GREETING" | wc -c)}" "$api/invocation/$id/response" >/tmp/said
done
`;

/** Deeds of a runtime in Python's own library; each call names one, and hears what the API answered. */
const python = `#!/usr/bin/python3
import http.client, json, os
host = os.environ["AWS_LAMBDA_RUNTIME_API"]
root = "/2018-06-01/runtime"
def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(host)
    connection.request(method, root + path, body, headers, encode_chunked="Transfer-Encoding" in headers)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()
while True:
    status, headers, event = ask("GET", "/invocation/next")
    id = headers["Lambda-Runtime-Aws-Request-Id"]
    deed = json.loads(event)["do"]
    if deed == "headers": ask("POST", f"/invocation/{id}/response", json.dumps(headers))
    if deed == "chunks": ask("POST", f"/invocation/{id}/response", iter([b'["in', b' pieces"]']), {"Transfer-Encoding": "chunked"})
    if deed == "error": ask("POST", f"/invocation/{id}/error", json.dumps({"errorType": "My.Error", "errorMessage": "own words", "stackTrace": []}), {"Lambda-Runtime-Function-Error-Type": "My.Error"})
    if deed == "unknown": ask("POST", f"/invocation/{id}/response", json.dumps(ask("POST", "/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response", "{}")))
    if deed == "late": ask("POST", f"/invocation/{id}/response", json.dumps(ask("POST", "/init/error", "{}")))
    if deed == "large": print(ask("POST", f"/invocation/{id}/response", "x" * (7 << 20)), flush=True)
`;

test("a bootstrap made of a shell and curl runs as it does on AWS", async () => {
  const run = await rig.start("bootstrap", { "bootstrap!": shell }, { handler: "any.thing" });
  assert.deepEqual(await run.call({ n: 1 }), { gave: { n: 1 }, greeting: 20 });
  assert.deepEqual(await run.call({ n: 2 }), { gave: { n: 2 }, greeting: 20 });
  await run.end();
  assert.equal(run.printed, 'starts as any.thing\nhas {"n":1}\nhas {"n":2}');
});

test("the runtime API answers as AWS documents it", async () => {
  const run = await rig.start("bootstrap", { "bootstrap!": python });
  const headers = (await run.call({ do: "headers" })) as Record<string, string>;
  assert.match(headers["Lambda-Runtime-Aws-Request-Id"]!, /^[0-9a-f-]{36}$/);
  assert.match(headers["Lambda-Runtime-Invoked-Function-Arn"]!, /^arn:aws:lambda:/);
  assert.equal(headers["Lambda-Runtime-Trace-Id"], "Root=1-0-0");
  const leftMs = Number(headers["Lambda-Runtime-Deadline-Ms"]) - Date.now();
  assert.ok(leftMs > 0 && leftMs <= 5000);
  assert.equal(headers["Lambda-Runtime-Client-Context"], undefined);
  for (const [told, heard] of [
    ['{\n "custom": "grün" }', '{"custom":"gr\\u00fcn"}'],
    ["\n", undefined],
  ] as const) {
    const context = Buffer.from(told).toString("base64");
    const { payload } = await run.invoke({ do: "headers" }, 5000, context);
    const { "Lambda-Runtime-Client-Context": given } = JSON.parse(payload) as typeof headers;
    assert.equal(given, heard);
  }
  assert.deepEqual(await run.call({ do: "chunks" }), ["in pieces"]);
  const { error, payload } = await run.invoke({ do: "error" });
  assert.deepEqual([error, JSON.parse(payload).errorType], ["Unhandled", "My.Error"]);
  const [status, , body] = (await run.call({ do: "unknown" })) as [number, object, string];
  assert.deepEqual([status, JSON.parse(body).errorType], [400, "InvalidRequestID"]);
  const [late, , why] = (await run.call({ do: "late" })) as [number, object, string];
  assert.deepEqual([late, JSON.parse(why).errorType], [403, "InvalidStateTransition"]);
  const large = (await run.call({ do: "large" })) as Record<string, string>;
  assert.equal(large["errorType"], "Function.ResponseSizeTooLarge");
  assert.ok((await run.call({ do: "headers" })) !== undefined);
  await run.end();
  assert.match(run.printed, /^\(413, .*RequestEntityTooLarge/);
});

test("a bootstrap that is missing, fails, or says that it cannot begin ends with why", async () => {
  const init = `#!/bin/sh
curl -sS -d '{"errorType":"My.InitError","errorMessage":"not today"}' http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error
exit 1`;
  const failures: [Record<string, string>, string, RegExp][] = [
    [{ "other!": shell }, "Runtime.InvalidEntrypoint", /Couldn't find valid bootstrap/],
    [{ bootstrap: shell }, "Runtime.InvalidEntrypoint", /Couldn't find valid bootstrap/],
    [{ "bootstrap!": "#!/bin/sh\nexit 9" }, "Runtime.ExitError", /exit status 9$/],
    [{ "bootstrap!": init }, "My.InitError", /^not today$/],
  ];
  for (const [files, errorType, message] of failures) {
    const error = await (await rig.start("bootstrap", files)).ended;
    assert.equal(error?.errorType, errorType, JSON.stringify(error));
    assert.match(error.errorMessage, message);
  }
});
