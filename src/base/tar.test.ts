import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeFiles } from "./node/files.ts";
import { walkTar, tarEnd, tarHeader, tarPadding } from "./tar.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-tar-"));
after(() => rmSync(folder, { recursive: true }));

const contents = new Map([
  ["empty", ""],
  ["one/block", "x".repeat(512)],
  [`blobs/${"p".repeat(60)}/${"0".repeat(64)}`, "long names are split"],
]);

function writeTar(name: string): string {
  const path = join(folder, name);
  const pieces = [...contents].flatMap(([entry, content]) => [
    tarHeader({ name: entry, sizeBytes: content.length, modifiedMs: 1_900_000_000_000 }),
    Buffer.from(content),
    tarPadding(content.length),
  ]);
  writeFileSync(path, Buffer.concat([...pieces, tarEnd]));
  return path;
}

test("tarHeader() and tarPadding() make what tar reads", () => {
  const path = writeTar("made.tar");
  const names = execFileSync("tar", ["-tf", path]).toString().trim().split("\n");
  assert.deepEqual(names, [...contents.keys()]);
  for (const [name, content] of contents)
    assert.equal(execFileSync("tar", ["-xOf", path, name]).toString(), content);
});

test("walkTar() finds what tar has made, and where its content is", async () => {
  writeFileSync(join(folder, "hello"), "hello");
  const path = join(folder, "theirs.tar");
  execFileSync("tar", ["--format=ustar", "-C", folder, "-cf", path, "hello"]);
  const [entry] = await Array.fromAsync(walkTar(nodeFiles, path));
  assert.equal(entry!.name, "hello");
  const content = await nodeFiles.read(path, { offset: entry!.offset, length: entry!.sizeBytes });
  assert.equal(Buffer.from(content!).toString(), "hello");
});

test("tarHeader() writes sizes past 8 GiB as tar reads them", async () => {
  const sizeBytes = 9 * 1024 ** 3 + 7;
  const path = join(folder, "large.tar");
  writeFileSync(path, tarHeader({ name: "large", sizeBytes, modifiedMs: 0 }));
  truncateSync(path, 512 + sizeBytes + tarPadding(sizeBytes).length + 1024);
  assert.deepEqual(await Array.fromAsync(walkTar(nodeFiles, path)), [
    { name: "large", offset: 512, sizeBytes },
  ]);
  assert.match(
    execFileSync("tar", ["-tvf", path]).toString(),
    new RegExp(` ${sizeBytes} .* large`),
  );
});

test("walkTar() refuses what is no tar, and one that is cut off", async () => {
  const path = writeTar("cut.tar");
  for (const sizeBytes of [3 * 512, 2 * 512 + 100, 4 * 512]) {
    truncateSync(path, sizeBytes);
    await assert.rejects(Array.fromAsync(walkTar(nodeFiles, path)), {
      code: "invalid",
      message: /cut off/,
    });
    writeTar("cut.tar");
  }
  const other = join(folder, "other");
  writeFileSync(other, "x".repeat(2000));
  await assert.rejects(Array.fromAsync(walkTar(nodeFiles, other)), {
    code: "invalid",
    message: /no header/,
  });
  await assert.rejects(Array.fromAsync(walkTar(nodeFiles, join(folder, "none"))), {
    code: "not-found",
  });
});
