import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BucketView, MadeWebhookView, WebhookView } from "#/model/bucket-views.ts";
import type { Page } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

test("a bucket is made, listed, shown, bounded and deleted", async () => {
  const body = { name: "pictures", quotaBytes: 1000 };
  const made = await world.call("POST", "/v1/buckets", { body });
  assert.equal(made.statusCode, 201, made.body);
  assert.partialDeepStrictEqual(made.json(), {
    ...body,
    project: "default",
    region: "us-east-1",
    versioning: "off",
    objects: 0,
    bytes: 0,
  });
  assert.equal((await world.call("POST", "/v1/buckets", { body })).statusCode, 409);
  const { items } = (await world.call("GET", "/v1/buckets")).json<Page<BucketView>>();
  assert.deepEqual(
    items.map(({ name }) => name),
    ["pictures"],
  );
  const path = "/v1/buckets/pictures";
  const bounded = await world.call("PATCH", path, {
    body: { quotaBytes: null, quotaObjects: 7 },
  });
  assert.equal(bounded.statusCode, 200, bounded.body);
  const { quotaBytes, quotaObjects } = (await world.call("GET", path)).json<BucketView>();
  assert.deepEqual([quotaBytes, quotaObjects], [undefined, 7]);
  assert.equal((await world.call("DELETE", path)).statusCode, 204);
  assert.equal((await world.call("GET", path)).statusCode, 404);
});

test("names that are none are refused, and another project's bucket is not found", async () => {
  const wrong = await world.call("POST", "/v1/buckets", { body: { name: "No Name" } });
  assert.equal(wrong.statusCode, 400);
  await world.call("POST", "/v1/projects", { body: { name: "other", title: "Other" } });
  const body = { name: "theirs" };
  await world.call("POST", "/v1/buckets?project=other", { body });
  assert.equal((await world.call("GET", "/v1/buckets/theirs")).statusCode, 404);
  assert.equal((await world.call("DELETE", "/v1/buckets/theirs")).statusCode, 404);
  assert.equal((await world.call("GET", "/v1/buckets/theirs?project=other")).statusCode, 200);
  assert.equal((await world.call("DELETE", "/v1/projects/other")).statusCode, 409);
  await world.call("DELETE", "/v1/buckets/theirs?project=other");
  assert.equal((await world.call("DELETE", "/v1/projects/other")).statusCode, 204);
});

test("a webhook tells its secret when it is made, and again to the same call only", async () => {
  const body = { name: "mine", url: "https://example.org/events" };
  const headers = { "idempotency-key": "one" };
  const made = await world.call("POST", "/v1/webhooks", { body, headers });
  assert.equal(made.statusCode, 201, made.body);
  const { secret, arn } = made.json<MadeWebhookView>();
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.match(arn, /^arn:canopy:webhook:us-east-1:\d{12}:mine$/);
  const again = await world.call("POST", "/v1/webhooks", { body, headers });
  assert.equal(again.json<MadeWebhookView>().secret, secret);
  assert.equal((await world.call("POST", "/v1/webhooks", { body })).statusCode, 409);
  const listed = (await world.call("GET", "/v1/webhooks")).json<Page<WebhookView>>();
  assert.equal(JSON.stringify(listed).includes(secret), false);
  assert.equal(listed.items[0]!.waiting, 0);
  const wrong = { name: "other", url: "mailto:a@example.org" };
  assert.equal((await world.call("POST", "/v1/webhooks", { body: wrong })).statusCode, 400);
  assert.equal((await world.call("DELETE", "/v1/webhooks/mine")).statusCode, 204);
  assert.equal((await world.call("DELETE", "/v1/webhooks/mine")).statusCode, 404);
});
