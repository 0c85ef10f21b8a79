import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { AccessKeyView, MadeAccessKeyView } from "#/model/access-key-views.ts";
import type { Page } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

const list = async () => (await world.call("GET", "/v1/access-keys")).json<Page<AccessKeyView>>();

test("an access key is told once with its secret, listed without, and opens nothing once removed", async () => {
  const headers = { "idempotency-key": "one" };
  const body = { title: "backup" };
  const made = await world.call("POST", "/v1/access-keys", { body, headers });
  assert.equal(made.statusCode, 201, made.body);
  const key = made.json<MadeAccessKeyView>();
  assert.match(key.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
  assert.equal(key.secretAccessKey.length, 40);
  const again = await world.call("POST", "/v1/access-keys", { body, headers });
  assert.deepEqual(again.json(), key);
  const { items } = await list();
  assert.deepEqual(
    items.map(({ accessKeyId, title, isActive }) => [accessKeyId, title, isActive]),
    [[key.accessKeyId, "backup", true]],
  );
  assert.equal(JSON.stringify(items).includes(key.secretAccessKey), false);
  const path = `/v1/access-keys/${key.accessKeyId}`;
  assert.equal((await world.call("DELETE", path)).statusCode, 204);
  assert.equal((await world.call("DELETE", path)).statusCode, 404);
  assert.deepEqual((await list()).items, []);
});

test("only admins make access keys, and only of users that are there", async () => {
  const viewer = await world.call("POST", "/v1/keys", { body: { title: "v", role: "submitter" } });
  const { key } = viewer.json<{ key: string }>();
  const body = { title: "x" };
  assert.equal((await world.call("POST", "/v1/access-keys", { body, key })).statusCode, 403);
  const nobody = { title: "x", user: "nobody" };
  assert.equal((await world.call("POST", "/v1/access-keys", { body: nobody })).statusCode, 404);
});
