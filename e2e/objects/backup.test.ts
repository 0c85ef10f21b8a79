import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { MadeAccessKeyView } from "#/model/access-key-views.ts";
import { canopyFile, type TestCloud } from "../cloud.ts";
import { newCloud } from "../clouds.ts";
import { assertHealthy, doctor } from "../doctor.ts";
import { until } from "../until.ts";
import { s3Of } from "./s3.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-e2e-backup-objects-"));
after(() => rmSync(folder, { recursive: true }));
const MiB = 1024 * 1024;
const Bucket = "films";
const masterKey = "a master key of thirty-two letters";

const cloud = newCloud();
cloud.moreEnv = { CANOPY_MASTER_KEY: masterKey };
let s3: S3Client;
let key: MadeAccessKeyView;
/** By key and version: what was put. */
const put = new Map<string, { Key: string; VersionId: string; content: Buffer }>();
let uploadId: string;
let partTag: string;
const parts = [randomBytes(5 * MiB), randomBytes(1000)];

async function add(Key: string, content: Buffer, more: object = {}): Promise<string> {
  const { VersionId = "" } = await s3.send(
    new PutObjectCommand({ Bucket, Key, Body: content, ...more }),
  );
  put.set(`${Key} ${VersionId}`, { Key, VersionId, content });
  return VersionId;
}

before(async () => {
  await cloud.up();
  ({ s3, key } = await s3Of(cloud));
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  await s3.send(new CreateBucketCommand({ Bucket: "busy" }));
  await s3.send(
    new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }),
  );
  for (const [Key, sizeBytes] of [
    ["small", 100],
    ["small", 200],
    ["large", 3 * MiB + 7],
    ["large", 6 * MiB],
    ["empty", 0],
    ["../odd/é ü+%", 4096],
  ] as const)
    await add(Key, randomBytes(sizeBytes), { Metadata: { of: Key.length.toString() } });
  await add("sealed", randomBytes(2 * MiB), { ServerSideEncryption: "AES256" });
  await add("sealed-by-kms", randomBytes(5000), { ServerSideEncryption: "aws:kms" });
  await add("locked", randomBytes(50), {
    ObjectLockMode: "COMPLIANCE",
    ObjectLockRetainUntilDate: new Date(Date.now() + 86_400_000),
  });
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "empty" }));
  const begun = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "film" }));
  uploadId = begun.UploadId!;
  const part = { Bucket, Key: "film", UploadId: uploadId, PartNumber: 1, Body: parts[0] };
  partTag = (await s3.send(new UploadPartCommand(part))).ETag!;
});

/** Writes over and over until it is told to end; knows of each key the round that was acknowledged last. */
function load(): { acknowledged: Map<string, number>; end(): Promise<void> } {
  const acknowledged = new Map<string, number>();
  let isOver = false;
  const work = async (worker: number) => {
    for (let round = 0; !isOver; round++) {
      const Key = `k${worker}-${round % 4}`;
      const sizeBytes = [60, 5000, 140_000, 400_000][(round + worker) % 4]!;
      const Body = Buffer.alloc(sizeBytes, `${Key} ${round};`);
      await s3.send(new PutObjectCommand({ Bucket: "busy", Key, Body }));
      acknowledged.set(Key, round);
      if (round % 9 === 8) {
        const gone = { Bucket: "busy", Key: `gone-${worker}-${round}` };
        await s3.send(new PutObjectCommand({ ...gone, Body: Buffer.alloc(300_000) }));
        await s3.send(new DeleteObjectCommand(gone));
      }
    }
  };
  /** Buckets come and go, so that some are between records and objects. */
  const come = async () => {
    for (let round = 0; !isOver; round++) {
      const object = { Bucket: `comes-${round}`, Key: "k" };
      await s3.send(new CreateBucketCommand({ Bucket: object.Bucket }));
      await s3.send(new PutObjectCommand({ ...object, Body: Buffer.alloc(200_000) }));
      await s3.send(new DeleteObjectCommand(object));
      await s3.send(new DeleteBucketCommand({ Bucket: object.Bucket }));
    }
  };
  const all = Promise.all([come(), ...[0, 1, 2, 3].map(work)]);
  return {
    acknowledged,
    async end() {
      isOver = true;
      await all;
    },
  };
}

async function bytesOf(
  client: S3Client,
  asked: { Bucket: string; Key: string; VersionId?: string },
) {
  const { Body } = await client.send(new GetObjectCommand(asked));
  return Buffer.from(await Body!.transformToByteArray());
}

/** That everything which was put before the load is there, and can be gone on with. */
async function assertThere(client: S3Client): Promise<void> {
  for (const { content, ...asked } of put.values())
    assert.ok(content.equals(await bytesOf(client, { Bucket, ...asked })), asked.Key);
  const { Versions = [], DeleteMarkers = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket }),
  );
  assert.deepEqual(
    Versions.map((one) => `${one.Key} ${one.VersionId}`).toSorted(),
    [...put.keys()].toSorted(),
  );
  assert.deepEqual(
    DeleteMarkers.map((one) => one.Key),
    ["empty"],
  );
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: "large" }));
  assert.deepEqual(head.Metadata, { of: "5" });
  const locked = put.values().find((one) => one.Key === "locked")!;
  const { VersionId } = locked;
  await assert.rejects(client.send(new DeleteObjectCommand({ Bucket, Key: "locked", VersionId })), {
    name: "AccessDenied",
  });
}

async function finishUpload(client: S3Client): Promise<void> {
  const film = { Bucket, Key: "film", UploadId: uploadId };
  const last = await client.send(new UploadPartCommand({ ...film, PartNumber: 2, Body: parts[1] }));
  const Parts = [
    { PartNumber: 1, ETag: partTag },
    { PartNumber: 2, ETag: last.ETag },
  ];
  await client.send(new CompleteMultipartUploadCommand({ ...film, MultipartUpload: { Parts } }));
  assert.ok(Buffer.concat(parts).equals(await bytesOf(client, film)));
}

/** A cloud in a folder that is not there yet. */
function newPlace(): TestCloud {
  const other = newCloud();
  rmSync(other.dataFolder, { recursive: true });
  other.moreEnv = { CANOPY_MASTER_KEY: masterKey };
  return other;
}

const file = join(folder, "under-load.tar");

test("a cloud restored from a backup taken under load has every object that was acknowledged before, and goes on", async () => {
  const { acknowledged, end } = load();
  await until("much is written", () => acknowledged.size === 16);
  const before = new Map(acknowledged);
  const taken = await cloud.canopy("backup", file, "--secrets", "--json");
  await end();
  assert.equal(taken.code, 0, taken.stderr);
  const told = JSON.parse(taken.stdout) as { objects: { objects: number; isElsewhere: boolean } };
  assert.ok(told.objects.objects >= put.size + before.size);
  assert.equal(told.objects.isElsewhere, false);
  const other = newPlace();
  const restored = await cloud.canopy("restore", file, "--data", other.dataFolder);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stdout + restored.stderr, new RegExp(`${told.objects.objects} objects`));
  const { of } = await doctor(other, "--data", other.dataFolder);
  assert.match(
    of("objects")[0]!.detail,
    new RegExp(`^${told.objects.objects} objects, .* are whole`),
  );
  await other.up();
  const { s3: client } = await s3Of(other, key);
  await assertThere(client);
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: "busy" }));
  for (const [Key, round] of before) {
    const content = await bytesOf(client, { Bucket: "busy", Key });
    const found = Number(/^k\d-\d (\d+);/.exec(content.subarray(0, 30).toString())?.[1]);
    assert.ok(found >= round, `${Key}: ${found}, and not ${round}`);
    assert.ok(content.equals(Buffer.alloc(content.length, `${Key} ${found};`)), `${Key} is torn`);
  }
  assert.ok(Contents.length >= before.size);
  const { Buckets = [] } = await client.send(new ListBucketsCommand({}));
  for (const { Name } of Buckets.filter((one) => one.Name!.startsWith("comes-")))
    await client.send(new ListObjectsV2Command({ Bucket: Name! }));
  await finishUpload(client);
  await client.send(new PutObjectCommand({ Bucket, Key: "new", Body: Buffer.alloc(MiB) }));
  await other.kill();
  await other.up();
  await assert.doesNotReject(bytesOf((await s3Of(other, key)).s3, { Bucket, Key: "new" }));
  await other.end();
  await assertHealthy(other, "--data", other.dataFolder);
  await finishUpload(s3); // the old one knows nothing of that
});

test("a restore that is killed leaves nothing to start from, and done again is whole", async () => {
  const other = newPlace();
  const flags = ["restore", file, "--data", other.dataFolder];
  const aside = `${other.dataFolder}.restoring`;
  for (const at of ["space.db", "objects/packs"]) {
    const child = spawn(canopyFile, flags, { stdio: "ignore", detached: true });
    const ended = once(child, "exit");
    await until(
      `${at} is being made`,
      () => existsSync(join(aside, at)) || child.exitCode !== null,
    );
    assert.equal(child.exitCode, null, "it is not over");
    process.kill(-child.pid!, "SIGKILL");
    await ended;
    assert.ok(!existsSync(other.dataFolder), at);
  }
  const restored = await cloud.canopy(...flags);
  assert.equal(restored.code, 0, restored.stderr);
  assert.ok(!existsSync(aside));
  await other.up();
  const { s3: client } = await s3Of(other, key);
  for (const { content, ...asked } of put.values())
    assert.ok(content.equals(await bytesOf(client, { Bucket, ...asked })), asked.Key);
});

test("a backup that is cut off or damaged is refused with a code, and nothing is left", async () => {
  const good = readFileSync(file);
  const bad = join(folder, "bad.tar");
  const refused = async (content: Buffer, exit: number, told: RegExp) => {
    writeFileSync(bad, content);
    const target = join(folder, "target");
    const { code, stderr } = await cloud.canopy("restore", bad, "--data", target);
    assert.equal(code, exit, stderr);
    assert.match(stderr, told);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith("target")),
      [],
    );
  };
  await refused(good.subarray(0, good.length - 100_000), 2, /cut off/);
  for (const name of ["objects/packs/0000000001.pack", "objects/files/0/"]) {
    const flipped = Buffer.from(good);
    flipped[good.indexOf(name) + 512 + 3000]! ^= 0x10;
    await refused(flipped, 1, new RegExp(`${name.slice(8)}.* is damaged: its SHA-256`));
  }
});

test("--without-objects leaves them out, of a backup and of what is restored", async () => {
  const lean = join(folder, "lean.tar");
  const taken = await cloud.canopy("backup", lean, "--without-objects");
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout + taken.stderr, /without objects/);
  assert.ok(!readFileSync(lean).includes("objects/packs"));
  for (const [of, ...flags] of [[lean], [file, "--without-objects"]] as const) {
    const other = newPlace();
    const restored = await cloud.canopy("restore", of, "--data", other.dataFolder, ...flags);
    assert.equal(restored.code, 0, restored.stderr);
    assert.match(restored.stdout + restored.stderr, /no objects/);
    await other.up();
    const { s3: client } = await s3Of(other, key);
    const listed = await client.send(new ListObjectsV2Command({ Bucket }));
    assert.equal(listed.KeyCount, 0, "buckets are records");
    await other.end();
  }
});

test("objects of buckets that no record knows are in nobody's way", async () => {
  const other = newCloud();
  await other.up();
  await other.end();
  rmSync(join(other.dataFolder, "objects"), { recursive: true });
  const known = newPlace();
  const restored = await cloud.canopy("restore", file, "--data", known.dataFolder);
  assert.equal(restored.code, 0, restored.stderr);
  cpSync(join(known.dataFolder, "objects"), join(other.dataFolder, "objects"), { recursive: true });
  await other.up();
  const { s3: client } = await s3Of(other);
  await client.send(new CreateBucketCommand({ Bucket }));
  assert.equal((await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  await client.send(new PutObjectCommand({ Bucket, Key: "small", Body: Buffer.from("own") }));
  assert.equal((await bytesOf(client, { Bucket, Key: "small" })).toString(), "own");
  await other.end();
  await assertHealthy(other, "--data", other.dataFolder);
});

test("of objects whose bytes are in another cluster a backup says so, and the cloud goes on with the same --objects", async () => {
  const { s3: pool } = await s3Of(cloud, key);
  await pool.send(new CreateBucketCommand({ Bucket: "pool" }));
  const own = newCloud();
  const credentials = {
    CANOPY_OBJECTS_ACCESS_KEY_ID: key.accessKeyId,
    CANOPY_OBJECTS_SECRET_ACCESS_KEY: key.secretAccessKey,
  };
  own.moreEnv = credentials;
  const flags = ["--objects", `s3://pool/own?endpoint=${cloud.awsUrl}`];
  await own.up(...flags);
  const { s3: client, key: ownKey } = await s3Of(own);
  const large = randomBytes(MiB);
  await client.send(new CreateBucketCommand({ Bucket: "reels" }));
  await client.send(new PutObjectCommand({ Bucket: "reels", Key: "large", Body: large }));
  await client.send(
    new PutObjectCommand({ Bucket: "reels", Key: "small", Body: Buffer.from("s") }),
  );
  const away = join(folder, "away.tar");
  const taken = await own.canopy("backup", away, "--secrets");
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(
    taken.stdout + taken.stderr,
    /2 objects with it; the bytes of large objects are not in it/,
  );
  const later = randomBytes(MiB);
  await client.send(new PutObjectCommand({ Bucket: "reels", Key: "later", Body: later }));
  await own.kill();
  const other = newCloud();
  rmSync(other.dataFolder, { recursive: true });
  other.moreEnv = credentials;
  const restored = await own.canopy("restore", away, "--data", other.dataFolder);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(restored.stdout + restored.stderr, /start it with the same/);
  await other.up(...flags);
  const { s3: again } = await s3Of(other, ownKey);
  assert.ok(large.equals(await bytesOf(again, { Bucket: "reels", Key: "large" })));
  assert.equal((await bytesOf(again, { Bucket: "reels", Key: "small" })).toString(), "s");
  await again.send(
    new PutObjectCommand({ Bucket: "reels", Key: "another", Body: randomBytes(MiB) }),
  );
  const { KeyCount } = await pool.send(
    new ListObjectsV2Command({ Bucket: "pool", Prefix: "own/bytes/" }),
  );
  assert.equal(
    KeyCount,
    3,
    "what the old cloud wrote later is neither taken for a leftover nor written over",
  );
});
