import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { seal } from "./seal.ts";
import { Vault, type MasterKeys } from "./vault.ts";

const signing = "the signing secret of a test's cloud";
const [one, two] = ["the first master key of a test", "the second master key of a test"];

const emptySpace = () =>
  Space.open({ log: new MemoryLog(), clock, report: silent, onBroken: () => {} });

function vaultOf(space: Space, masters?: MasterKeys, from = signing): Vault {
  const vault = new Vault({ space, random, clock, signing: from, masters });
  vault.begin();
  return vault;
}

describe("Vault", () => {
  it("opens what it sealed, for the same thing only, and so does the next process", async () => {
    const space = await emptySpace();
    const sealed = vaultOf(space).seal("plain", "this");
    const next = vaultOf(space);
    assert.equal(next.unseal(sealed, "this"), "plain");
    assert.throws(() => next.unseal(sealed, "that"), { code: "forbidden" });
    assert.throws(() => next.unseal(`${sealed.slice(0, -8)}AAAAAAA=`, "this"), {
      code: "forbidden",
    });
    assert.equal(space.count("vault-key"), 1);
  });

  it("opens what was sealed before there was a vault", async () => {
    const before = seal("plain", "this", signing, random);
    assert.equal(vaultOf(await emptySpace()).unseal(before, "this"), "plain");
  });

  it("opens nothing without the master key, whatever else one has", async () => {
    const space = await emptySpace();
    const sealed = vaultOf(space, { current: one }).seal("plain", "this");
    assert.throws(() => vaultOf(space), {
      code: "forbidden",
      message: /CANOPY_MASTER_KEY must be/,
    });
    assert.throws(() => vaultOf(space, { current: two }), { code: "forbidden" });
    assert.equal(vaultOf(space, { current: one }).unseal(sealed, "this"), "plain");
  });

  it("changes its master key when the one before is named once", async () => {
    const space = await emptySpace();
    const sealed = vaultOf(space).seal("plain", "this");
    vaultOf(space, { current: one });
    vaultOf(space, { current: two, previous: [one] });
    const last = vaultOf(space, { current: two });
    assert.equal(last.unseal(sealed, "this"), "plain");
    assert.throws(() => vaultOf(space, { current: one }), { code: "forbidden" });
    vaultOf(space, { previous: [two] });
    assert.equal(vaultOf(space).unseal(sealed, "this"), "plain");
  });

  it("goes on with another key where the own secret was lost, and keeps closed what that one sealed", async () => {
    const space = await emptySpace();
    const sealed = vaultOf(space).seal("plain", "this");
    const next = vaultOf(space, {}, "another signing secret of a test's cloud");
    assert.equal(next.unseal(next.seal("new", "that"), "that"), "new");
    assert.throws(() => next.unseal(sealed, "this"), {
      code: "forbidden",
      message: /another signing/,
    });
    assert.equal(vaultOf(space).unseal(sealed, "this"), "plain");
  });
});
