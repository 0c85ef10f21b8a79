import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { nodeNetwork } from "./network.ts";

test("request() gives a body that lives for as long as nobody has read it", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const sizeBytes = 500_000;
  const server = await nodeNetwork.serve({ host: "127.0.0.1", port: 0 }, async () => ({
    status: 200,
    body: new Uint8Array(sizeBytes),
  }));
  try {
    const url = `http://127.0.0.1:${server.port}/`;
    const bodies = [];
    for (let call = 0; call < 20; call++) {
      bodies.push((await nodeNetwork.request({ method: "GET", url })).body);
    }
    for (let round = 0; round < 5; round++) {
      collectGarbage();
      await turn();
    }
    for (const body of bodies) {
      let readBytes = 0;
      for await (const piece of body) readBytes += piece.byteLength;
      assert.equal(readBytes, sizeBytes);
    }
  } finally {
    await server.close();
  }
});
