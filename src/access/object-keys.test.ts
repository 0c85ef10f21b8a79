import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { ObjectKeys } from "./object-keys.ts";
import { seal, unseal } from "./seal.ts";

const { random } = nodeHost(silent);
const secret = "the signing secret of a test's cloud";
const sealer = {
  seal: (plain: string, about: string) => seal(plain, about, secret, random),
  unseal: (sealed: string, about: string) => unseal(sealed, about, secret),
};

test("forNew() gives a bucket's objects one key for a day, and open() gives it back to later processes", () => {
  let now = 0;
  const clock = { now: () => now };
  const keys = new ObjectKeys({ sealer, random, clock });
  const first = keys.forNew("b1");
  assert.equal(first.key.length, 32);
  assert.equal(keys.forNew("b1").sealedKey, first.sealedKey);
  assert.notDeepEqual(keys.forNew("b2").key, first.key);
  now += 24 * 3_600_000;
  assert.notDeepEqual(keys.forNew("b1").key, first.key);
  assert.deepEqual(keys.open("b1", first.sealedKey), first.key);
  assert.deepEqual(
    new ObjectKeys({ sealer, random, clock }).open("b1", first.sealedKey),
    first.key,
  );
});

test("open() refuses the key of another bucket", () => {
  const keys = new ObjectKeys({ sealer, random, clock: { now: () => 0 } });
  const { sealedKey } = keys.forNew("b1");
  const others = new ObjectKeys({ sealer, random, clock: { now: () => 0 } });
  assert.throws(() => others.open("b2", sealedKey), { code: "forbidden" });
});
