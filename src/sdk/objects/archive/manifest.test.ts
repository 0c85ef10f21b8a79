import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeFiles } from "#/base/node/files.ts";
import {
  formatManifest,
  openManifest,
  ownSigningKey,
  parsePublicKey,
  pathOfKey,
  signManifest,
  type Manifest,
} from "./manifest.ts";

const folder = await mkdtemp(join(tmpdir(), "canopy-manifest-"));
after(() => rm(folder, { recursive: true }));

const key = await ownSigningKey(nodeFiles, join(folder, "own.pem"));
const other = await ownSigningKey(nodeFiles, join(folder, "other.pem"));
const manifest: Manifest = {
  head: {
    type: "canopy-objects",
    version: 1,
    source: "s3://films/",
    createdAt: "2026-11-23T00:00:00.000Z",
    objects: 1,
    bytes: 5,
  },
  entries: [
    {
      key: "../../etc/passwd",
      sizeBytes: 5,
      sha256: "a".repeat(64),
      etag: "b",
      contentType: "text/plain",
      metadata: { from: "me" },
      path: pathOfKey("../../etc/passwd"),
    },
  ],
};
const text = formatManifest(manifest);
const signed = signManifest(text, key);

test("openManifest() gives what was signed by who is trusted", async () => {
  assert.deepEqual(openManifest(text, signed, [other.publicKey, key.publicKey]), manifest);
  const again = await ownSigningKey(nodeFiles, join(folder, "own.pem"));
  assert.equal(again.publicKey, key.publicKey);
  assert.equal((await stat(join(folder, "own.pem"))).mode & 0o777, 0o600);
});

test("openManifest() refuses another signer, another text, no signature, and a signature of another", () => {
  const refused = { code: "forbidden" };
  assert.throws(() => openManifest(text, signed, [other.publicKey]), refused);
  assert.throws(
    () => openManifest(text.replace("passwd", "shadow"), signed, [key.publicKey]),
    refused,
  );
  assert.throws(() => openManifest(text, "", [key.publicKey]), refused);
  const lie = signManifest(text, other).replace(other.publicKey, key.publicKey);
  assert.throws(() => openManifest(text, lie, [key.publicKey]), refused);
});

test("openManifest() refuses paths of its own choice, though they are signed", () => {
  const [entry] = manifest.entries;
  const wrong = formatManifest({ ...manifest, entries: [{ ...entry!, path: "../../x" }] });
  assert.throws(() => openManifest(wrong, signManifest(wrong, key), [key.publicKey]), {
    code: "damaged",
  });
});

test("parsePublicKey() reads PEM and base64, and nothing else", () => {
  assert.equal(parsePublicKey(`${key.publicKey}\n`), key.publicKey);
  assert.throws(() => parsePublicKey("hello"), { code: "invalid" });
});
