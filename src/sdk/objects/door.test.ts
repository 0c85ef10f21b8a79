import assert from "node:assert/strict";
import { test } from "node:test";
import { findForeignDoor, type ObjectsWish } from "./door.ts";

const keys = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret" };
const aws = { ...keys, AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
const files = { read: async () => undefined } as never;

const endpointOf = async (env: Record<string, string>, wish: ObjectsWish = {}) =>
  (await findForeignDoor({ env, files, home: "/home/none" }, wish))?.endpoint;

test("findForeignDoor() lets what names a cloud go before AWS's variables", async () => {
  assert.equal(await endpointOf(aws), "http://127.0.0.1:1");
  for (const wish of [{ project: "other" }, { context: "c" }, { url: "http://u" }, { key: "k" }])
    assert.equal(await endpointOf(aws, wish), undefined, JSON.stringify(wish));
  for (const name of ["CANOPY_URL", "CANOPY_KEY", "CANOPY_PROJECT", "CANOPY_CONTEXT"])
    assert.equal(await endpointOf({ ...aws, [name]: "x" }), undefined, name);
  assert.equal(await endpointOf(keys), undefined, "keys alone name no store");
});

test("findForeignDoor() lets an endpoint of the call go before the environment, and refuses one beside a cloud", async () => {
  const endpoint = "http://127.0.0.1:2";
  assert.equal(await endpointOf({ ...aws, CANOPY_URL: "http://u" }, { endpoint }), endpoint);
  await assert.rejects(endpointOf(aws, { endpoint, project: "other" }), { code: "invalid" });
  await assert.rejects(endpointOf({}, { endpoint }), { code: "unauthenticated" });
});
