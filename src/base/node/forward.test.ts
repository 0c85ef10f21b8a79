import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import type { ForwardOutcome } from "../forward.ts";
import { nodeForward } from "./forward.ts";

const servers: Server[] = [];
after(() => servers.forEach((server) => (server.close(), server.closeAllConnections())));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Asks a server that hands all on; tells what came of it beside the answer. */
async function throughAnother(to: string, init: RequestInit = {}, mayPass = true) {
  const outcome = Promise.withResolvers<ForwardOutcome>();
  const url = await serve((request, response) => {
    void nodeForward
      .request({
        request,
        response,
        body: undefined,
        to,
        headers: { "x-added": "1" },
        signal: new AbortController().signal,
        onHead: async () => mayPass,
      })
      .then((came) => {
        outcome.resolve(came);
        if (!response.headersSent) response.writeHead(599).end();
      });
  });
  const answer = await fetch(url + "/path?a=1", init);
  const text = await answer.text().catch(() => "cut off");
  return { outcome: await outcome.promise, status: answer.status, text, headers: answer.headers };
}

test("a request is handed on as it is, with its body, and so is the answer", async () => {
  const to = await serve(async (request, response) => {
    const pieces = await Array.fromAsync(request as AsyncIterable<Buffer>);
    const { "x-own": own, "x-added": added } = request.headers;
    response.writeHead(201, { "x-answer": "2" });
    response.end(
      `${request.method} ${request.url} ${String(own)} ${String(added)} ${Buffer.concat(pieces).length}`,
    );
  });
  const init = { method: "POST", body: "x".repeat(1_000_000), headers: { "x-own": "0" } };
  const { outcome, status, text, headers } = await throughAnother(to, init);
  assert.equal(text, "POST /path?a=1 0 1 1000000");
  assert.deepEqual([outcome, status, headers.get("x-answer")], ["answered", 201, "2"]);
});

test("a body that came in pieces and was read already goes on with its length alone", async () => {
  const to = await serve(async (request, response) => {
    const pieces = await Array.fromAsync(request as AsyncIterable<Buffer>);
    response.end(`${request.headers["content-length"]} ${Buffer.concat(pieces).toString()}`);
  });
  const url = await serve(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const headers = { "content-length": String(body.length) };
    const { signal } = new AbortController();
    const onHead = () => Promise.resolve(true);
    await nodeForward.request({ request, response, body, to, headers, signal, onHead });
  });
  const body = new Blob(["pieces"]).stream();
  const answer = await fetch(url, { method: "POST", body, duplex: "half" } as RequestInit);
  assert.equal(await answer.text(), "6 pieces");
});

test("'refused' says that nothing was done: nobody listens there, or the answer's head is not wanted", async () => {
  const to = await serve((_request, response) => response.end());
  assert.equal((await throughAnother(to, {}, false)).outcome, "refused");
  const server = servers.at(-2)!;
  server.close();
  server.closeAllConnections();
  assert.equal((await throughAnother(to)).outcome, "refused");
  const large = { method: "POST", body: "x".repeat(10_000_000) };
  const { outcome, status } = await throughAnother(to, large);
  assert.deepEqual([outcome, status], ["refused", 599]); // who asked is told, and not cut off
});

test("'unanswered' says that it may have been done: the connection ended before the answer's head", async () => {
  const to = await serve((request) => request.socket.destroy());
  assert.equal((await throughAnother(to)).outcome, "unanswered");
});

test("an answer that is cut off over there is cut off here too", async () => {
  const to = await serve((request, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half");
    setTimeout(() => request.socket.destroy(), 20);
  });
  const { outcome, text } = await throughAnother(to);
  assert.deepEqual([outcome, text], ["answered", "cut off"]);
});
