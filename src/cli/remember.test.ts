import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { connect } from "#/sdk/client.ts";
import { readContexts, writeContexts } from "#/sdk/contexts.ts";
import { thisWorld, type World } from "#/sdk/world.ts";
import { rememberControlPlanes } from "./remember.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-remember-"));
after(() => rmSync(folder, { recursive: true }));

/** A cloud of control planes a, b and c, of which a has ended. */
const answer: World["request"] = async ({ url }) => {
  if (url.startsWith("http://a.test")) throw new CanopyError("unavailable", "Cannot reach it");
  const headers = { "canopy-control-planes": "http://b.test,http://c.test" };
  return { status: 200, headers, body: Readable.from([Buffer.from("{}")]) };
};
const world: World = {
  ...thisWorld(),
  request: answer,
  env: { XDG_CONFIG_HOME: folder },
  folder,
};

test("rememberControlPlanes() keeps those a cloud told of in its context, the one that answered first", async () => {
  const contexts = { here: { url: "http://a.test,http://b.test", key: "k" } };
  await writeContexts(world, { current: "here", contexts });
  const client = await connect({ world });
  await client.status();
  await rememberControlPlanes(client, world);
  const { current, contexts: kept } = await readContexts(world);
  assert.equal(current, "here");
  assert.deepEqual(kept, { here: { url: "http://b.test,http://c.test,http://a.test", key: "k" } });
});

test("rememberControlPlanes() writes nothing about an address that no context gave", async () => {
  const before = await readContexts(world);
  const client = await connect({ url: "http://b.test", world });
  await client.status();
  await rememberControlPlanes(client, world);
  assert.deepEqual(await readContexts(world), before);
});
