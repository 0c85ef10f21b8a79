import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { seal, unseal } from "#/access/seal.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { Space } from "#/space/space.ts";
import { Functions, type FunctionConfigAsked } from "./functions.ts";
import { makeZip } from "./testing/make-zip.ts";
import { zipInMemory } from "./zip.ts";

const config: FunctionConfigAsked = {
  description: "",
  runtime: "python3.13",
  handler: "app.handler",
  role: "arn:aws:iam::123456789012:role/runs",
  memoryMb: 128,
  timeoutSeconds: 3,
  ephemeralMb: 512,
  architecture: "x86_64",
  code: { blob: "", sha256: "", sizeBytes: 1, unpackedBytes: 1 },
};

async function open(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "canopy-functions-"));
  const { clock, random, files } = nodeHost(silent);
  const onBroken = (error: unknown) => {
    throw error;
  };
  const log = new SqliteLog(":memory:", { durability: "normal" });
  const space = await Space.open({ log, clock, report: silent, onBroken });
  t.after(async () => {
    await space.close();
    await rm(folder, { recursive: true });
  });
  const sealer = {
    seal: (plain: string, about: string) => seal(plain, about, "secret", random),
    unseal: (sealed: string, about: string) => unseal(sealed, about, "secret"),
  };
  const blobs = await FileBlobs.open({ files, clock, folder });
  const functions = new Functions({ space, blobs, sealer, clock, random, region: "us-east-1" });
  const create = (title: string, latest: Partial<FunctionConfigAsked> = {}) =>
    functions.create("p", {
      title,
      accountId: "123456789012",
      latest: { ...config, ...latest },
    });
  return {
    space,
    functions,
    create,
  };
}

test("remove() takes versions and aliases with it, and those of no other function", async (t) => {
  const world = await open(t);
  const { space, functions, create } = world;
  const [one, other] = [create("one"), create("one-more")];
  for (const made of [one, other]) {
    const { spec } = functions.publish(made);
    functions.createAlias(made, { title: "live", description: "", version: spec.version });
  }
  functions.remove(functions.find("p", "one")!);
  assert.deepEqual(
    functions.list("p").map(({ spec }) => spec.title),
    ["one-more"],
  );
  for (const kind of ["function-version", "function-alias"] as const)
    assert.deepEqual(
      [...space.all(kind)].map(({ name }) => name.split("/")[0]),
      [other.name],
    );
  assert.throws(() => functions.publish(one), { awsCode: "ResourceNotFoundException" });
});

test("environments are opened for the function that they were sealed for alone", async (t) => {
  const world = await open(t);
  const { functions, create } = world;
  const environment = functions.sealEnvironment("p", "one", { NAME: "value" })!;
  const one = create("one", { environment });
  assert.deepEqual(functions.environmentOf(one, one.spec.latest), { NAME: "value" });
  const { spec } = functions.publish(one);
  assert.deepEqual(functions.environmentOf(one, spec.config), { NAME: "value" });
  const thief = create("thief", { environment });
  assert.throws(() => functions.environmentOf(thief, thief.spec.latest));
  assert.equal(functions.sealEnvironment("p", "one", {}), undefined);
});

test("all code of a project is counted, versions too, and bounded", async (t) => {
  const world = await open(t);
  const { functions, create } = world;
  const half = { ...config.code, sizeBytes: limits.functionCodeBytesMax / 2 };
  const one = create("one", { code: half });
  functions.publish(one);
  assert.equal(functions.codeBytes("p"), limits.functionCodeBytesMax);
  const tooMuch = { awsCode: "CodeStorageExceededException" };
  assert.throws(() => create("two"), tooMuch);
  assert.throws(
    () => functions.change(one, { code: { ...half, sizeBytes: half.sizeBytes + 1 } }),
    tooMuch,
  );
  functions.change(one, { code: { ...half, sizeBytes: half.sizeBytes - 1 } });
  create("two");
  functions.create("other", { title: "one", accountId: "1", latest: { ...config, code: half } });
});

test("keepCode() keeps what codeOf() said, and it is read again", async (t) => {
  const world = await open(t);
  const { functions } = world;
  const bytes = makeZip([{ name: "app.py", content: "x".repeat(1000) }]);
  const kept = await functions.keepCode("p", zipInMemory(bytes));
  assert.deepEqual(await functions.codeOf(zipInMemory(bytes)), kept);
  assert.equal(kept.unpackedBytes, 1000);
  const found = await functions.code("p", kept);
  assert.deepEqual(Buffer.concat(await Array.fromAsync(found!.content)), bytes);
  assert.equal(await functions.code("q", kept), undefined);
});
