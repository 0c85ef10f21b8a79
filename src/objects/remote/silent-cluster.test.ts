import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { parseRemoteAddress } from "./address.ts";
import { RemoteBytes } from "./remote-bytes.ts";

test("a cluster that takes calls and says nothing is waited for once, and not for cleaning up", async (t) => {
  let isSilent = false;
  const unanswered: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const asked = `${request.method} ${new URL(request.url!, "http://c").searchParams.has("uploads") ? "uploads" : ""}`;
    if (isSilent) return void unanswered.push(asked);
    if (asked === "GET uploads") return void response.end("<ListMultipartUploadsResult/>");
    response.end(request.method === "GET" ? "this one" : "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const bytes = new RemoteBytes({
    address: parseRemoteAddress(`s3://b?endpoint=http://127.0.0.1:${port}`),
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    owner: "this one",
    answerMs: 250,
  });
  t.after(() => {
    bytes.close();
    server.closeAllConnections();
    server.close();
  });
  const small = await bytes.create(1);
  const large = await bytes.create(2);
  const reader = await bytes.open(3);
  isSilent = true;
  const away = { awsCode: "ServiceUnavailable", status: 503 };
  await assert.rejects(reader.read(0, 10), away);
  assert.deepEqual(unanswered.splice(0), ["GET "]);
  await small.write([Buffer.alloc(10)]);
  await assert.rejects(small.finish(), away);
  assert.deepEqual(unanswered.splice(0), ["PUT "]);
  let isAnswered = false;
  void once(server, "request").then(() => (isAnswered = true));
  await small.drop();
  assert.equal(isAnswered, false); // it did not wait for what it asked to be removed
  // What was written ahead of the failure fails with it, and asks nothing more.
  const block = Buffer.alloc(8 * 2 ** 20);
  const written = await Promise.allSettled([1, 2, 3].map(() => large.write([block])));
  assert.deepEqual(
    written.map(({ status }) => status),
    ["rejected", "rejected", "rejected"],
  );
  assert.deepEqual(
    unanswered.filter((one) => one.startsWith("POST")),
    ["POST uploads"],
  );
});
