import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import type { BlobView, ProblemView } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => void (world = await startWorld()));
after(() => world.stop());

const headers = { "content-type": "application/octet-stream" };
const keyOf = (content: Buffer) => createHash("sha256").update(content).digest("hex");
const put = (body: Buffer, query = "") =>
  world.call("POST", `/v1/blobs${query}`, { body, headers });

describe("/v1/blobs", () => {
  const content = Buffer.from("0123456789");
  const key = keyOf(content);

  it("POST keeps a body under its SHA-256, however large, and says what it is", async () => {
    const large = Buffer.alloc(20 * 1024 * 1024, "large ");
    for (const body of [content, Buffer.alloc(0), large]) {
      const answer = await put(body);
      assert.equal(answer.statusCode, 201, answer.body);
      assert.deepEqual(answer.json<BlobView>(), { key: keyOf(body), sizeBytes: body.length });
      assert.deepEqual((await world.call("GET", `/v1/blobs/${keyOf(body)}`)).rawPayload, body);
    }
  });

  it("POST takes bytes by whatever name, and none at all", async () => {
    for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
      const answer = await world.call("POST", "/v1/blobs", {
        body: '{"a"',
        headers: { "content-type": type },
      });
      assert.equal(answer.json<BlobView>().key, keyOf(Buffer.from('{"a"')), type);
    }
    assert.equal((await world.call("POST", "/v1/blobs")).json<BlobView>().sizeBytes, 0);
  });

  it("POST refuses content that is not what was meant", async () => {
    assert.equal((await put(content, `?key=${key}`)).statusCode, 201);
    const changed = await put(Buffer.from("other"), `?key=${key}`);
    assert.equal(changed.statusCode, 400);
    assert.match(changed.json<ProblemView>().detail, /SHA-256/);
  });

  it("GET gives parts, HEAD the size, and who has it already nothing", async () => {
    await put(content);
    const part = async (range: string) => {
      const answer = await world.call("GET", `/v1/blobs/${key}`, { headers: { range } });
      return [answer.statusCode, answer.body, answer.headers["content-range"]];
    };
    assert.deepEqual(await part("bytes=2-4"), [206, "234", "bytes 2-4/10"]);
    assert.deepEqual(await part("bytes=7-"), [206, "789", "bytes 7-9/10"]);
    assert.deepEqual(await part("bytes=-2"), [206, "89", "bytes 8-9/10"]);
    assert.deepEqual(await part("bytes=5-500"), [206, "56789", "bytes 5-9/10"]);
    assert.deepEqual(await part("lines=1-2"), [200, "0123456789", undefined]);
    assert.equal((await part("bytes=10-12"))[0], 400);
    const head = await world.call("HEAD", `/v1/blobs/${key}`);
    assert.equal(head.statusCode, 200);
    assert.equal(head.headers["content-length"], "10");
    const cached = await world.call("GET", `/v1/blobs/${key}`, {
      headers: { "if-none-match": `"${key}"` },
    });
    assert.equal(cached.statusCode, 304);
    assert.equal((await world.call("GET", `/v1/blobs/${"0".repeat(64)}`)).statusCode, 404);
    assert.equal((await world.call("GET", "/v1/blobs/..%2f..%2fetc")).statusCode, 400);
  });
});
