import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { contextsFile, findDoor, readContexts, writeContexts, type Wish } from "./contexts.ts";
import { thisWorld } from "./world.ts";

const home = mkdtempSync(join(tmpdir(), "canopy-contexts-"));
const folder = join(home, "project", "deep");
mkdirSync(folder, { recursive: true });
after(() => rmSync(home, { recursive: true }));

const places = (env: Record<string, string> = {}) => ({ ...thisWorld(), env, home, folder });
const door = async (wish: Wish = {}, env: Record<string, string> = {}) => {
  const { url, key, project } = await findDoor(places(env), wish);
  return { url, key, project };
};

test("findDoor() says what to do when no cloud is named", async () => {
  await assert.rejects(door(), { code: "invalid", hint: /canopy up/ });
});

test("findDoor() goes from the call to the environment, the project's file and the current context", async () => {
  await writeContexts(places(), {
    current: "a",
    contexts: {
      a: { url: "http://a", key: "ka" },
      b: { url: "http://b", key: "kb", project: "pb" },
    },
  });
  assert.deepEqual(Object.keys((await readContexts(places())).contexts), ["a", "b"]);
  assert.deepEqual(await door(), { url: "http://a", key: "ka", project: undefined });
  assert.deepEqual(await door({ context: "b" }), { url: "http://b", key: "kb", project: "pb" });
  assert.deepEqual(await door({}, { CANOPY_CONTEXT: "b", CANOPY_PROJECT: "px" }), {
    url: "http://b",
    key: "kb",
    project: "px",
  });
  assert.deepEqual(await door({}, { CANOPY_URL: "http://c/", CANOPY_KEY: "kc" }), {
    url: "http://c",
    key: "kc",
    project: undefined,
  });
  assert.deepEqual(await door({ url: "http://d", key: "kd" }, { CANOPY_URL: "http://c" }), {
    url: "http://d",
    key: "kd",
    project: undefined,
  });
  assert.deepEqual(await door({ url: "http://b/" }), {
    url: "http://b",
    key: "kb",
    project: undefined,
  });
  assert.deepEqual(await door({}, { CANOPY_URL: "", CANOPY_KEY: "" }), {
    url: "http://a",
    key: "ka",
    project: undefined,
  });
});

test("a project's file chooses a context by name, and cannot send a key to an address of its own", async () => {
  writeFileSync(
    join(home, "project", "canopy.json"),
    JSON.stringify({ context: "b", project: "team", url: "http://evil" }),
  );
  assert.deepEqual(await door(), { url: "http://b", key: "kb", project: "team" });
  rmSync(join(home, "project", "canopy.json"));
});

test("findDoor() refuses an unknown context, an address that is none, and a broken file", async () => {
  await assert.rejects(door({ context: "c" }), { code: "not-found", message: /known are a, b/ });
  await assert.rejects(door({ url: "cloud:8420" }), { code: "invalid" });
  writeFileSync(contextsFile(places()), "{");
  await assert.rejects(door(), { code: "invalid", message: /one JSON object/ });
});
