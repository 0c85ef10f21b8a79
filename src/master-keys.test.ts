import assert from "node:assert/strict";
import { test } from "node:test";
import { readMasterKeys } from "./master-keys.ts";

const [one, two] = ["1".repeat(40), "2".repeat(40)];
const files = {
  read: async (path: string) => (path === "/key" ? Buffer.from(`${two}\n`) : undefined),
};

test("readMasterKeys() takes a key from the environment or a file, and those before it", async () => {
  assert.deepEqual(await readMasterKeys({}, files), { previous: [] });
  assert.deepEqual(await readMasterKeys({ CANOPY_MASTER_KEY: one }, files), {
    current: one,
    previous: [],
  });
  const env = { CANOPY_MASTER_KEY_FILE: "/key", CANOPY_MASTER_KEY_PREVIOUS: `${one}, ${two}` };
  assert.deepEqual(await readMasterKeys(env, files), { current: two, previous: [one, two] });
});

test("readMasterKeys() refuses keys that are too short, two at once, and files that are not there", async () => {
  const refused = (env: Record<string, string>) =>
    assert.rejects(readMasterKeys(env, files), { code: "invalid" });
  await refused({ CANOPY_MASTER_KEY: "short" });
  await refused({ CANOPY_MASTER_KEY: one, CANOPY_MASTER_KEY_FILE: "/key" });
  await refused({ CANOPY_MASTER_KEY_FILE: "/nothing" });
  await refused({ CANOPY_MASTER_KEY_PREVIOUS: "short" });
});
