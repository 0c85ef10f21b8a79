import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { textOf } from "../body.ts";
import { CanopyError } from "../errors.ts";
import { httpRequest } from "./request.ts";

const served: { close(): void }[] = [];
after(() => served.forEach((server) => server.close()));

async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  served.push({ close: () => (server.close(), server.closeAllConnections()) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const isUnavailable = (thrown: unknown) =>
  thrown instanceof CanopyError && thrown.code === "unavailable";

test("httpRequest() sends text, bytes and streams whole, and calls one after another use one connection", async () => {
  const ports = new Set<number | undefined>();
  const url = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.setHeader("told", request.headers["asked"] ?? "");
    request.pipe(response);
  });
  async function* stream() {
    yield Buffer.from("a ");
    yield Buffer.from("stream");
  }
  for (const body of ["text", Buffer.from("bytes"), stream()]) {
    const told = typeof body === "string" ? body : Buffer.isBuffer(body) ? "bytes" : "a stream";
    const answer = await httpRequest({ method: "POST", url, headers: { asked: "x" }, body });
    assert.deepEqual([answer.status, answer.headers["told"]], [200, "x"]);
    assert.equal(await textOf(answer.body), told);
  }
  assert.equal(ports.size, 1);
});

test("httpRequest() throws unavailable where nobody answers, and its body does when it breaks off", async () => {
  await assert.rejects(
    httpRequest({ method: "GET", url: "http://127.0.0.1:1/" }),
    (thrown) => isUnavailable(thrown) && /127\.0\.0\.1:1: ECONNREFUSED/.test(String(thrown)),
  );
  await assert.rejects(httpRequest({ method: "GET", url: "nowhere" }), isUnavailable);
  const url = await serve((_, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("half", () => response.destroy());
  });
  const { body } = await httpRequest({ method: "GET", url });
  await assert.rejects(textOf(body), isUnavailable);
  const late = await httpRequest({ method: "GET", url });
  await new Promise((resolve) => setTimeout(resolve, 50)); // it has broken off before anyone reads
  await assert.rejects(textOf(late.body), isUnavailable);
});

test("httpRequest() and its body throw the reason of who calls it off", async () => {
  const url = await serve((request, response) => {
    if (request.url === "/begun") response.write("begun");
  });
  for (const path of ["silent", "begun"]) {
    const leave = new AbortController();
    const call = httpRequest({ method: "GET", url: url + path, signal: leave.signal });
    const read = call.then(({ body }) => textOf(body));
    if (path === "begun") await call;
    leave.abort(new Error("left"));
    await assert.rejects(read, /left/);
  }
});

test("a stream that fails while it is sent fails its call", async () => {
  const url = await serve((request) => void request.resume());
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a");
    throw new Error("the file is gone");
  }
  await assert.rejects(httpRequest({ method: "POST", url, body: broken() }), /the file is gone/);
});

test("httpRequest() asks for a path in which dots are names as it stands", async () => {
  const url = await serve((request, response) => void response.end(request.url));
  for (const path of ["a/../b?c=../d", "..", "./x", "%2e%2e/y", "plain?q=/../"])
    assert.equal(
      await textOf((await httpRequest({ method: "GET", url: `${url}${path}` })).body),
      `/${path}`,
    );
});

test("an address that is refused is not connected to, by number or by name", async () => {
  const asked: string[] = [];
  const refuses = (address: string) => {
    asked.push(address);
    return address.startsWith("127.") || address === "::1";
  };
  for (const host of ["127.0.0.1", "localhost"]) {
    const request = httpRequest({ method: "GET", url: `http://${host}:9/`, refuses });
    await assert.rejects(request, /EADDRREFUSED/);
  }
  assert.ok(asked.length >= 3);
});
