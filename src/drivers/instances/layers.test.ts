import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { headerOf, paddingOf, paxHeader, type LayerHeader } from "./layer-header.ts";
import { Layers } from "./layers.ts";

const top = mkdtempSync(join(tmpdir(), "canopy-layers-"));
after(() => rmSync(top, { recursive: true, force: true }));

const base = limits.containerOwnerBase;
let fetched = 0;
const layers = new Layers(
  {
    ...nodeHost(silent),
    blobs: {
      fetch: (_project, key) => {
        fetched++;
        if (key.startsWith("0000")) throw new CanopyError("not-found", "no such blob");
        return Promise.resolve({ path: join(top, key), sizeBytes: 0 });
      },
      store: () => Promise.reject(new Error("nothing is stored")),
    },
  },
  join(top, "layers"),
);

type Entry = Partial<LayerHeader> & { name: string; content?: string };

const plain: LayerHeader = {
  name: "",
  type: "file",
  mode: 0o644,
  owner: 0,
  group: 0,
  sizeBytes: 0,
  modified: 1_000_000_000,
  link: "",
  major: 0,
  minor: 0,
  attributes: {},
};

function tarOf(entries: Entry[]): Buffer {
  const pieces = entries.flatMap(({ content = "", ...entry }) => {
    const bytes = Buffer.from(content);
    const header = { ...plain, sizeBytes: bytes.length, ...entry };
    return [...paxHeader(header), headerOf(header), bytes, Buffer.alloc(paddingOf(bytes.length))];
  });
  return Buffer.concat([...pieces, Buffer.alloc(1024)]);
}

function blobOf(content: Uint8Array) {
  const key = createHash("sha256").update(content).digest("hex");
  writeFileSync(join(top, key), content);
  return { key, sizeBytes: content.length };
}

async function unpack(content: Uint8Array) {
  const [layer] = await layers.unpacked("p", [blobOf(content)]);
  return { ...layer!, path: join(layers.folder, layer!.name) };
}

test("a layer becomes a folder whose owners are not the machine's", async () => {
  const long = `${"d".repeat(90)}/${"f".repeat(90)}`;
  const tar = tarOf([
    { name: "./", type: "folder", mode: 0o755 },
    { name: "etc/", type: "folder", mode: 0o750, owner: 3 },
    { name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" },
    { name: "bin/su", mode: 0o4755, content: "s", owner: 7, group: 8 },
    { name: "bin/again", type: "hard link", link: "bin/su" },
    { name: "lib", type: "link", link: "/usr/lib" },
    { name: long, content: "x", attributes: { "user.colour": "blue" } },
    { name: "größe", content: "ü" },
    { name: "dev/sda", type: "block", major: 8, minor: 0 },
  ]);
  for (const content of [
    tar,
    gzipSync(Buffer.concat([tar, Buffer.from(" ")])),
    zstdCompressSync(tar),
  ]) {
    const { path, facts } = await unpack(content);
    assert.deepEqual(
      readdirSync(path).toSorted(),
      ["bin", "d".repeat(90), "etc", "größe", "lib"].toSorted(),
    );
    const stat = lstatSync(join(path, "bin/su"));
    assert.deepEqual(
      [stat.uid, stat.gid, stat.mode & 0o7777, stat.nlink],
      [base + 7, base + 8, 0o4755, 2],
    );
    assert.equal(stat.mtimeMs, 1_000_000_000_000);
    assert.equal(lstatSync(join(path, "etc")).mode & 0o777, 0o750);
    assert.equal(readlinkSync(join(path, "lib")), "/usr/lib");
    assert.equal(lstatSync(join(path, "lib")).uid, base);
    assert.equal(readFileSync(join(path, long), "utf8"), "x");
    assert.equal(facts.passwd, "root:x:0:0::/:/bin/sh\n");
  }
});

test("what a layer removes and hides is marked as overlayfs has it", async () => {
  const { path, facts } = await unpack(
    tarOf([
      { name: "a/", type: "folder", mode: 0o711 },
      { name: "a/.wh.b" },
      { name: "c/", type: "folder", mode: 0o711, owner: 5 },
      { name: "c/d", content: "new" },
      { name: "c/.wh..wh..opq" },
      { name: "etc/.wh.passwd" },
    ]),
  );
  const mark = lstatSync(join(path, "a/b"));
  assert.ok(mark.isCharacterDevice() && mark.rdev === 0);
  const shown = execFileSync(
    "python3",
    [
      "-c",
      "import os,sys; print(os.getxattr(sys.argv[1], 'trusted.overlay.opaque').decode())",
      join(path, "c"),
    ],
    { encoding: "utf8" },
  );
  assert.equal(shown, "y\n");
  const folder = lstatSync(join(path, "c"));
  assert.deepEqual([folder.mode & 0o777, folder.uid], [0o711, base + 5]);
  assert.deepEqual(facts.removed, ["a/b", "etc/passwd"]);
  assert.deepEqual(facts.opaque, ["c"]);
  assert.equal(facts.passwd, "");
});

test("names that go through a link of the layer stay within it", async () => {
  const { path } = await unpack(
    tarOf([
      { name: "usr/lib/", type: "folder", mode: 0o755 },
      { name: "lib", type: "link", link: "/usr/lib" },
      { name: "usr/lib64", type: "link", link: "lib" },
      { name: "lib/one", content: "1" },
      { name: "usr/lib64/two", content: "2" },
      { name: "lib/./three", content: "3" },
    ]),
  );
  assert.deepEqual(readdirSync(join(path, "usr/lib")).toSorted(), ["one", "three", "two"]);
});

const outside = join(top, "outside");
const bad: [why: RegExp, entries: Entry[]][] = [
  [/must lead below its root: it has '\.\.\/x'/, [{ name: "../x" }]],
  [/must lead below its root/, [{ name: "a/../../x" }]],
  [/must lead below its root: it has '\/etc/, [{ name: "/etc/cron.d/x" }]],
  [/leads out/, [{ name: "a/b", type: "link", link: "../../etc" }]],
  [/must lead below its root/, [{ name: "a", type: "hard link", link: "../../etc/shadow" }]],
  [/must lead below its root/, [{ name: "a", type: "hard link", link: "/etc/shadow" }]],
  [
    /leads out/,
    [
      { name: "a", type: "link", link: "b" },
      { name: "b", type: "link", link: "/.." },
      { name: "a/x" },
    ].map((entry) => entry as Entry),
  ],
  [
    /goes round/,
    [
      { name: "a", type: "link", link: "b" },
      { name: "b", type: "link", link: "a" },
      { name: "a/x" },
    ],
  ],
  [/must have no devices: 'sda' is block 8:0/, [{ name: "sda", type: "block", major: 8 }]],
  [/must have no devices/, [{ name: "mem", type: "character", major: 1, minor: 1 }]],
  [/belongs to 65536/, [{ name: "x", owner: 65_536 }]],
  [/remove files by their names/, [{ name: "a/.wh..." }]],
  [/its root must be a folder/, [{ name: ".", content: "x" }]],
];

test("a layer that breaks a rule is refused with its reason, and leaves nothing", async () => {
  for (const [why, entries] of bad) {
    await assert.rejects(unpack(tarOf([{ name: "ok" }, ...entries])), (thrown: Error) => {
      assert.match(thrown.message, why);
      assert.equal((thrown as { reasonCode?: string }).reasonCode, "Client.InvalidImage");
      return true;
    });
  }
  assert.deepEqual(
    readdirSync(layers.folder).filter((name) => name.includes("aside")),
    [],
  );
  assert.throws(() => lstatSync(outside), { code: "ENOENT" });
});

test("a second name of a link leads within the layer too", async () => {
  const { path } = await unpack(
    tarOf([
      { name: "l", type: "link", link: outside },
      { name: "m", type: "hard link", link: "l" },
      { name: "m/y", content: "2" },
    ]),
  );
  assert.throws(() => lstatSync(outside), { code: "ENOENT" });
  assert.equal(readFileSync(join(path, outside, "y"), "utf8"), "2");
});

test("a layer that is damaged is refused: cut off, no tar, no gzip, not there", async () => {
  const tar = tarOf([{ name: "a", content: "x".repeat(5000) }]);
  const noise = Buffer.alloc(4096, "noise");
  const zipped = gzipSync(Buffer.concat([tar, noise]));
  for (const [content, why] of [
    [tar.subarray(0, 3000), /cut off/],
    [noise, /must be is none/],
    [Buffer.alloc(0), /cut off/],
    [zipped.subarray(0, zipped.length - 40), /cannot be decompressed|cut off/],
    [Buffer.concat([zipped.subarray(0, 30), noise]), /cannot be decompressed/],
  ] as const)
    await assert.rejects(unpack(content), (thrown: Error) => {
      assert.match(thrown.message, why);
      return true;
    });
  await assert.rejects(layers.unpacked("p", [{ key: "0".repeat(64), sizeBytes: 1 }]), {
    reasonCode: "Client.InvalidSnapshot.NotFound",
  });
});

test("a layer is fetched once for all who ask, and goes when nobody needs it", async () => {
  const blob = blobOf(tarOf([{ name: "once", content: String(fetched) }]));
  const before = fetched;
  await Promise.all([1, 2, 3].map(() => layers.unpacked("p", [blob])));
  await layers.unpacked("q", [blob]);
  assert.equal(fetched, before + 1);
  await layers.keepOnly(new Set([blob.key]));
  assert.equal(readdirSync(layers.folder).length, 2);
  await layers.keepOnly(new Set());
  assert.deepEqual(readdirSync(layers.folder), []);
});
