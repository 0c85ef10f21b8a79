import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { Space, type Draft } from "#/space/space.ts";
import { Contents } from "./contents.ts";
import { restore } from "./restore.ts";
import { takeBackup } from "./take.ts";

const root = mkdtempSync(join(tmpdir(), "canopy-backup-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

async function openCloud() {
  const folder = join(root, String(++count));
  await nodeFiles.makeFolder(folder);
  const log = new SqliteLog(join(folder, "space.db"), { durability: "normal" });
  const blobs = await FileBlobs.open({
    files: nodeFiles,
    clock: nodeClock,
    folder: join(folder, "blobs"),
  });
  return { folder, log, blobs };
}

async function openSpace(log: SqliteLog): Promise<Space> {
  return Space.open({
    log,
    clock: nodeClock,
    report: silent,
    onBroken: (error) => assert.fail(String(error)),
  });
}

const draft = (name: string, phase = "ready", input = "1") =>
  ({
    kind: "task",
    project: "default",
    name,
    spec: { input },
    status: { phase },
  }) as Draft<AnyRecord>;

/** What changes come to, by name: apart from how a log or a backup does it. */
function fold(changes: Iterable<Change>): Map<string, { isLive: boolean; record: AnyRecord }> {
  const found = new Map<string, { isLive: boolean; record: AnyRecord }>();
  for (const { op, record } of changes) {
    if (op === "delete") found.delete(record.name);
    else found.set(record.name, { isLive: op !== "archive", record });
  }
  return found;
}

/** Compares all that a log holds, live and archived, with what there should be. */
async function assertHolds(log: SqliteLog, expected: ReturnType<typeof fold>): Promise<void> {
  const space = await openSpace(log);
  const live = space.snapshot().records;
  const archived = await space.archived("task", { limit: 100_000 });
  const wanted = [...expected.values()].sort((a, b) => a.record.serial - b.record.serial);
  assert.deepEqual(
    live,
    wanted.filter(({ isLive }) => isLive).map(({ record }) => record),
  );
  const ended = wanted.filter(({ isLive }) => !isLive).map(({ record }) => record);
  assert.deepEqual(archived.toReversed(), ended);
  const names = ended.map(({ name }) => name);
  assert.deepEqual(await space.find("task", names), ended);
}

/** What may be done while a backup is taken, to the task of that number. */
const doings = fc.array(
  fc.tuple(fc.constantFrom("make", "end", "fail", "restore", "delete"), fc.nat(1800)),
  { minLength: 1, maxLength: 60 },
);

/** The names of tasks that were deleted are in `gone`: a name is given once. */
async function doTo(
  space: Space,
  [op, number]: [string, number],
  gone: Set<string>,
): Promise<void> {
  const name = `j/0/${number}`;
  if (gone.has(name)) return;
  const [known] = await space.find("task", [name]);
  const isLive = space.get("task", name) !== undefined;
  space.commit((tx) => {
    if (op === "make" && !known) tx.put(draft(name));
    else if (op === "end" && known && isLive)
      tx.archive({ ...known, status: { phase: "succeeded" } });
    else if (op === "fail" && known && isLive)
      tx.archive({ ...known, status: { phase: "failed" } });
    else if (op === "restore" && known && !isLive) tx.put({ ...known, status: { phase: "ready" } });
    else if (op === "delete" && isLive) {
      tx.delete("task", name);
      gone.add(name);
    }
  });
}

test("a backup taken while work goes on is every record as it was at one moment, its end", async () => {
  await fc.assert(
    fc.asyncProperty(doings, fc.nat(5), async (work, pause) => {
      const { log, blobs } = await openCloud();
      const space = await openSpace(log);
      const told: Change[][] = [];
      space.onDurable(({ sequence, changes }) => (told[sequence] = [...changes]));
      space.commit((tx) => {
        for (let number = 0; number < 1600; number++) tx.put(draft(`j/0/${number}`));
      });
      await space.commit((tx) => {
        for (let number = 0; number < 1400; number += number % 7 === 0 ? 2 : 1)
          tx.archive({ ...tx.get("task", `j/0/${number}`)!, status: { phase: "succeeded" } });
      }).durable;
      const file = join(root, `${count}.tar`);
      const pieces: Uint8Array[] = [];
      const gone = new Set<string>();
      const left = [...work];
      let turn = 0;
      for await (const piece of takeBackup({ space, blobs, clock: nodeClock, version: "1" })) {
        pieces.push(Uint8Array.from(piece));
        if (turn++ % (pause + 1) !== 0) continue;
        for (const doing of left.splice(0, 5)) await doTo(space, doing as [string, number], gone);
      }
      await space.close();
      writeFileSync(file, Buffer.concat(pieces));

      const contents = await Contents.open(nodeFiles, file);
      const { sequence } = contents.manifest;
      const other = await openCloud();
      await restore(contents, other);
      await other.log.close();
      const again = new SqliteLog(join(other.folder, "space.db"));
      await assertHolds(
        again,
        fold(told.slice(0, sequence + 1).flatMap((changes) => changes ?? [])),
      );
      await again.close();
    }),
    { numRuns: 12 },
  );
});

async function backUp(fill: (blobs: FileBlobs) => Promise<void> = async () => {}) {
  const { log, blobs } = await openCloud();
  await fill(blobs);
  const space = await openSpace(log);
  await space.commit((tx) => tx.put(draft("j/0/1"))).durable;
  const file = join(root, `${count}.tar`);
  await nodeFiles.writeStream(
    file,
    takeBackup({
      space,
      blobs,
      clock: nodeClock,
      version: "1",
      secrets: { rootToken: "a", signing: "b" },
    }),
  );
  await space.close();
  return file;
}

test("blobs and secrets are in it, and sequences go on where it ended", async () => {
  const large = Buffer.alloc(3_000_000, "large ");
  const file = await backUp(async (blobs) => {
    await blobs.put("a", Buffer.from("hello"));
    await blobs.put("b", large);
  });
  const contents = await Contents.open(nodeFiles, file);
  assert.deepEqual(await contents.secrets(), { rootToken: "a", signing: "b" });
  const other = await openCloud();
  assert.deepEqual(await restore(contents, other), { live: 1, archived: 0, blobs: 2 });
  const [kept] = await Array.fromAsync(other.blobs.list("b"));
  const found = await other.blobs.get("b", kept!.key);
  assert.deepEqual(Buffer.concat(await Array.fromAsync(found!.content)), large);
  await other.log.close();
  const again = new SqliteLog(join(other.folder, "space.db"));
  assert.equal((await again.load()).sequence, contents.manifest.sequence + 1);
  await assert.rejects(again.read(0, 1), { code: "not-found" });
  await again.close();
});

test("Contents.open() refuses what is not whole, and names what is wrong", async () => {
  const file = await backUp();
  const good = readFileSync(file);
  const refused = async (content: Buffer, code: string, message: RegExp) => {
    writeFileSync(file, content);
    await assert.rejects(Contents.open(nodeFiles, file), { code, message });
  };
  await refused(good.subarray(0, good.length - 2000), "invalid", /cut off/);
  const flipped = Buffer.from(good);
  flipped[512 + 20]! ^= 1;
  await refused(flipped, "damaged", /live\/000001.ndjson.gz is damaged/);
  const at = good.indexOf("manifest.json");
  await refused(
    Buffer.concat([good.subarray(0, at), Buffer.alloc(1024)]),
    "invalid",
    /manifest.json/,
  );
  for (const told of ['"version":2', '"version";1']) {
    const other = good.toString("latin1").replace('"version":1', told);
    await refused(Buffer.from(other, "latin1"), "invalid", /version 1/);
  }
});

test("restore() refuses a log that holds something", async () => {
  const contents = await Contents.open(nodeFiles, await backUp());
  const other = await openCloud();
  await restore(contents, other);
  await other.log.close();
  const log = new SqliteLog(join(other.folder, "space.db"));
  await assert.rejects(restore(contents, { ...other, log }), { code: "conflict" });
  await log.close();
});
