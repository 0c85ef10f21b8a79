import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { identify } from "./identity.ts";

const folder = await mkdtemp(join(tmpdir(), "canopy-identity-"));
after(() => rm(folder, { recursive: true }));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("identify() asks another control plane as the same call when the first did not answer", async () => {
  const keys: unknown[] = [];
  const silentOne = await serve((request) => {
    keys.push(request.headers["idempotency-key"]);
    request.socket.destroy(); // it may have let the machine in
  });
  const other = await serve((request, response) => {
    keys.push(request.headers["idempotency-key"]);
    request.resume();
    response.writeHead(201, { "content-type": "application/json" });
    response.end(JSON.stringify({ machine: "m1", key: "k" }));
  });
  const host = nodeHost(silent);
  const urls = [silentOne, other];
  const { machine } = await identify({ host, folder, urls, token: "t", labels: {} });
  assert.equal(machine, "m1");
  assert.equal(typeof keys[0], "string");
  assert.deepEqual(keys, [keys[0], keys[0]]);
});

test("identify() goes on while no control plane answers, for as long as it is told, and no longer", async () => {
  const keys: unknown[] = [];
  const late = await serve((request, response) => {
    keys.push(request.headers["idempotency-key"]);
    if (keys.length < 3) return void request.socket.destroy();
    request.resume();
    response.writeHead(201, { "content-type": "application/json" });
    response.end(JSON.stringify({ machine: "m2", key: "k" }));
  });
  const host = nodeHost(silent);
  const own = join(folder, "late");
  const wish = { host, folder: own, urls: [late], token: "t", labels: {} };
  await assert.rejects(identify(wish), { code: "unavailable" });
  const { machine } = await identify({ ...wish, joinPatienceMs: 60_000 });
  assert.equal(machine, "m2");
  assert.equal(keys.length, 3);
  assert.equal(keys[1], keys[2]);
});
