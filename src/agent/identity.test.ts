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
