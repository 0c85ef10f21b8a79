import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { canonicalUserIdOf } from "#/model/account.ts";
import type { InventoryRule } from "#/model/bucket-inventory.ts";
import { startInventories } from "./inventory.ts";
import { openBuckets, until } from "./testing/opened.ts";

const rule: InventoryRule = {
  isEnabled: true,
  targetBucket: "reports",
  targetPrefix: "daily",
  versions: "Current",
  frequency: "Daily",
  fields: ["Size", "ETag", "StorageClass", "EncryptionStatus"],
};

async function open(t: TestContext) {
  const opened = await openBuckets(t);
  const { parts, make } = opened;
  const target = await make("reports");
  const objectKeys = { forNew: () => ({ key: new Uint8Array(32), sealedKey: "sealed" }) };
  const start = (store = parts.store) => {
    const loop = startInventories({ ...parts, store, objectKeys });
    t.after(() => loop.stop());
    return loop;
  };
  const read = async (key: string): Promise<Buffer> => {
    const place = { bucket: target.spec.id, key };
    const version = parts.store.find(place);
    if (!version || "isDeleteMarker" in version) return assert.fail(`${key} is not there`);
    const bytes = await parts.store.read(place, version, {});
    return Buffer.concat(bytes instanceof Uint8Array ? [bytes] : await bytes.toArray());
  };
  const keys = async () =>
    (await parts.store.list(target.spec.id, { max: 1000 })).entries.map(({ key }) => key);
  const manifests = async () => (await keys()).filter((key) => key.endsWith("/manifest.checksum"));
  return { ...opened, start, read, keys, manifests };
}

interface Manifest {
  fileSchema: string;
  files: { key: string; size: number; MD5checksum: string }[];
}

test("an inventory lists what is there, and its manifest says where and vouches for it", async (t) => {
  const { make, put, start, read, manifests } = await open(t);
  const bucket = await make("pictures", { inventory: { mine: rule } });
  for (let index = 0; index < 1500; index++)
    await put(bucket, `key/${String(index).padStart(4, "0")}`);
  await put(bucket, 'odd "ä" key');
  start();
  await until("a report", async () => (await manifests()).length === 1);
  const [checksum] = await manifests();
  assert.match(checksum!, /^daily\/pictures\/mine\/\d{4}-\d\d-\d\dT\d\d-\d\dZ\/manifest.checksum$/);
  const bytes = await read(checksum!.replace(".checksum", ".json"));
  assert.equal((await read(checksum!)).toString(), createHash("md5").update(bytes).digest("hex"));
  const manifest = JSON.parse(bytes.toString()) as Manifest;
  assert.equal(manifest.fileSchema, "Bucket, Key, Size, ETag, StorageClass, EncryptionStatus");
  assert.partialDeepStrictEqual(manifest, {
    sourceBucket: "pictures",
    destinationBucket: "arn:aws:s3:::reports",
    fileFormat: "CSV",
  });
  assert.equal(manifest.files.length, 1);
  const [file] = manifest.files;
  const data = await read(file!.key);
  assert.equal(data.length, file!.size);
  assert.equal(createHash("md5").update(data).digest("hex"), file!.MD5checksum);
  const lines = gunzipSync(data).toString().trimEnd().split("\n");
  assert.equal(lines.length, 1501);
  const etag = createHash("md5").update("key/0000").digest("hex");
  assert.equal(lines[0], `"pictures","key/0000","8","${etag}","STANDARD","NOT-SSE"`);
  assert.match(lines[1500]!, /^"pictures","odd%20%22%C3%A4%22%20key","/);
});

test("an inventory of all versions tells which is the latest, and which are markers", async (t) => {
  const { parts, make, put, start, read, manifests } = await open(t);
  const bucket = await make("pictures", {
    versioning: "enabled",
    inventory: {
      mine: { ...rule, versions: "All", prefix: "a", fields: ["Size", "ObjectAccessControlList"] },
    },
  });
  const { versionId } = await put(bucket, "a");
  await put(bucket, "b");
  const { id, versioning, accountId: ownerId } = bucket.spec;
  const { marker } = await parts.store.delete({ bucket: id, key: "a" }, { versioning, ownerId });
  start();
  await until("a report", async () => (await manifests()).length === 1);
  const [checksum] = await manifests();
  const manifest = JSON.parse(
    (await read(checksum!.replace(".checksum", ".json"))).toString(),
  ) as Manifest;
  const lines = gunzipSync(await read(manifest.files[0]!.key)).toString();
  const [hidden, shown, ...others] = lines.trimEnd().split("\n");
  assert.deepEqual(others, []);
  assert.equal(hidden, `"pictures","a","${marker!.versionId}","true","true","",""`);
  const [acl = ""] = /"[^"]*"$/.exec(shown!) ?? [];
  assert.equal(shown, `"pictures","a","${versionId}","false","false","1",${acl}`);
  assert.deepEqual(JSON.parse(Buffer.from(acl.slice(1, -1), "base64").toString()), {
    version: "2022-11-10",
    status: "AVAILABLE",
    grants: [
      {
        canonicalId: canonicalUserIdOf(ownerId),
        type: "CanonicalUser",
        permission: "FULL_CONTROL",
      },
    ],
  });
});

test("a report is written once a day, or once a week, and not while it is switched off", async (t) => {
  const { parts, make, pass, start, manifests } = await open(t);
  await make("pictures", {
    inventory: {
      daily: { ...rule, targetPrefix: "d" },
      weekly: { ...rule, targetPrefix: "w", frequency: "Weekly" },
      off: { ...rule, targetPrefix: "o", isEnabled: false },
    },
  });
  const loop = start();
  const written = async (count: number) => {
    await until(`${count} reports`, async () => {
      loop.wake();
      return (await manifests()).length >= count;
    });
    return (await manifests()).map((key) => key[0]).join("");
  };
  assert.equal(await written(2), "dw");
  pass(1);
  const isSunday = new Date(parts.clock.now()).getUTCDay() === 0;
  assert.equal(await written(isSunday ? 4 : 3), isSunday ? "ddww" : "ddw");
  pass(7);
  assert.equal(await written(isSunday ? 6 : 5), isSunday ? "dddwww" : "dddww");
});

test("a report that fails holds up no other, and what it left is replaced by the next try", async (t) => {
  const { parts, make, put, start, keys, manifests, pass } = await open(t);
  for (const name of ["broken", "sound"])
    await put(await make(name, { inventory: { mine: rule } }), "a");
  let isBroken = true;
  const { store } = parts;
  const failing = new Proxy(store, {
    get: (of, name) =>
      name === "put"
        ? (...asked: Parameters<typeof of.put>) =>
            isBroken && asked[0].key.includes("broken") && asked[0].key.endsWith("manifest.json")
              ? Promise.reject(new Error("the cluster is away"))
              : of.put(...asked)
        : (of[name as keyof typeof of] as () => void).bind(of),
  });
  const loop = start(failing);
  await until("the other report", async () => (await manifests()).length === 1);
  assert.match((await manifests())[0]!, /sound/);
  isBroken = false;
  pass(0.02);
  await until("the one that failed", async () => {
    loop.wake();
    return (await manifests()).length === 2;
  });
  assert.equal((await keys()).filter((key) => key.includes("broken/mine/data/")).length, 1);
});
