import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { makeZip, type ZipEntry } from "./testing/make-zip.ts";
import { BadZip, unpackedBytesOf, zipInMemory } from "./zip.ts";

const bytesOf = (...entries: ZipEntry[]) => unpackedBytesOf(zipInMemory(makeZip(entries)));
const link = (name: string, content: string): ZipEntry => ({ name, content, mode: 0o120777 });

test("an archive's files, folders and links inside are counted", async () => {
  const bytes = await bytesOf(
    { name: "index.mjs", content: "export const a = 1;" },
    { name: "lib/", mode: 0o040755 },
    { name: "./lib//deep/a.txt", content: "abc", isStored: true },
    link("lib/deep/link", "../../index.mjs"),
    link("here", "."),
  );
  assert.equal(bytes, 19 + 3 + 15 + 1);
});

test("an entry or a link that leads out is refused, and one below a link", async () => {
  for (const entries of [
    [{ name: "../x" }],
    [{ name: "a/../../x" }],
    [{ name: "..\\x" }],
    [{ name: "/etc/passwd" }],
    [{ name: "C:\\x" }],
    [{ name: "a\0b" }],
    [link("a", "/etc/passwd")],
    [link("a", "../x")],
    [link("lib/a", "../../x")],
    [link("a", "")],
    [link("deep/er/x", "../.."), link("deep/y", "er/x/../z")],
    [link("a", "."), { name: "a/b" }],
    [link("a", "."), { name: "a" }],
    [{ name: "./a" }, link("a", ".")],
    [{ name: "device", mode: 0o020666 }],
  ])
    await assert.rejects(bytesOf({ name: "ok" }, ...entries), BadZip, JSON.stringify(entries));
});

test("an archive whose entries share bytes, or have endless names, is refused before it is unpacked", async () => {
  const whole = makeZip([{ name: "a", content: "x".repeat(2000), isStored: true }]);
  const directoryAt = whole.lastIndexOf(Buffer.from([0x50, 0x4b, 1, 2]));
  const [entries, end] = [whole.subarray(directoryAt, -22), Buffer.from(whole.subarray(-22))];
  end.writeUInt16LE(2, 8);
  end.writeUInt16LE(2, 10);
  end.writeUInt32LE(2 * entries.length, 12);
  const twice = Buffer.concat([whole.subarray(0, directoryAt), entries, entries, end]);
  await assert.rejects(unpackedBytesOf(zipInMemory(twice)), /larger than it is/);
  await assert.rejects(bytesOf({ name: "a/".repeat(5000) }), /name is too long/);
});

test("a damaged archive is refused wherever the damage is", async () => {
  const good = makeZip([
    { name: "a.js", content: "x".repeat(500) },
    { name: "b.js", content: "const y = 2;", isStored: true },
  ]);
  await unpackedBytesOf(zipInMemory(good));
  const dataAt = 30 + "a.js".length;
  const directoryAt = good.readUInt32LE(good.length - 6);
  for (const at of [0, dataAt + 2, directoryAt, directoryAt + 16, good.length - 22]) {
    const bad = Buffer.from(good);
    bad[at]! ^= 0xff;
    await assert.rejects(unpackedBytesOf(zipInMemory(bad)), BadZip, String(at));
  }
  for (let length = 0; length < good.length; length += 7)
    await assert.rejects(unpackedBytesOf(zipInMemory(good.subarray(0, length))), BadZip);
});

test("what says that it is small and is not is refused before it is unpacked", async () => {
  const bomb = makeZip([{ name: "bomb", content: Buffer.alloc(50_000_000) }]);
  bomb.writeUInt32LE(10, bomb.length - 22 - (46 + 4) + 24);
  await assert.rejects(unpackedBytesOf(zipInMemory(bomb)), { reason: "damaged" });
  const declared = makeZip([{ name: "large" }]);
  declared.writeUInt32LE(300_000_000, declared.length - 22 - (46 + 5) + 24);
  await assert.rejects(unpackedBytesOf(zipInMemory(declared)), { reason: "too-large" });
  await assert.rejects(bytesOf(), { reason: "empty" });
  await assert.rejects(bytesOf({ name: "only/", mode: 0o040755 }), { reason: "empty" });
});

test("whatever bytes change in an archive, it is taken or refused as bad, and nothing else", async () => {
  const good = makeZip([{ name: "a.js", content: "abc".repeat(50) }, link("l", "a.js")]);
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(changes, async (all) => {
      const changed = Buffer.from(good);
      for (const [at, byte] of all) changed[at] = byte;
      await unpackedBytesOf(zipInMemory(changed)).catch((thrown: unknown) => {
        assert.ok(thrown instanceof BadZip, String(thrown));
      });
    }),
    { numRuns: 500 },
  );
});

test("archives of Python's zipfile are read", async () => {
  const script =
    "import sys,zipfile\nz=zipfile.ZipFile(sys.stdout.buffer,'w',zipfile.ZIP_DEFLATED)\nz.writestr('app.py','x'*1000)\nz.writestr('lib/ü.txt','y')\nz.close()";
  const { stdout, status } = spawnSync("/usr/bin/python3", ["-c", script]);
  assert.equal(status, 0);
  assert.equal(await unpackedBytesOf(zipInMemory(stdout)), 1001);
});
