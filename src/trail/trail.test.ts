import assert from "node:assert/strict";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import type { TrailEntry } from "#/model/trail.ts";
import { stranger, Trail } from "./trail.ts";

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-trail-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

const entry = (id: string, at: number, more: Partial<TrailEntry> = {}): TrailEntry => ({
  id,
  at,
  ms: 1,
  service: "s3",
  operation: "CreateBucket",
  project: "default",
  who: "arn:aws:iam::111122223333:user/ann",
  from: "127.0.0.1",
  status: 200,
  isRead: false,
  ...more,
});

test("find() gives what was noted, the newest first, in pages, also after the process died", async (t) => {
  const folder = await folderOf(t);
  const clock = new ManualClock();
  const trail = await Trail.open(folder, { files, clock, log: silent });
  for (let at = 0; at < 10; at++) {
    trail.note("management", entry(`e${at}`, 1000 + at));
    if (at % 4 === 3) await trail.find({ kind: "management", max: 1 }); // a block of its own
  }
  await trail.find({ kind: "management", max: 1 });
  // Nobody closed it.
  const again = await Trail.open(folder, { files, clock, log: silent });
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await again.find({ kind: "management", max: 3, after });
    ids.push(...page.items.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  assert.deepEqual(ids, ["e9", "e8", "e7", "e6", "e5", "e4", "e3", "e2", "e1", "e0"]);
  assert.deepEqual((await again.find({ kind: "data", max: 3 })).items, []);
  await assert.rejects(again.find({ kind: "management", max: 1, after: "x" }), { code: "invalid" });
  await Promise.all([trail.close(), again.close()]);
});

test("find() tells projects, callers, operations, things, times and failures apart", async (t) => {
  const clock = new ManualClock();
  const trail = await Trail.open(await folderOf(t), { files, clock, log: silent });
  trail.note("management", entry("a", 1));
  trail.note("management", entry("b", 2, { project: "other", who: "arn:aws:iam::1:user/bob" }));
  trail.note(
    "management",
    entry("c", 3, { operation: "DeleteBucket", resource: "arn:aws:s3:::x" }),
  );
  trail.note("management", entry("d", 4, { status: 403, error: "AccessDenied", isRead: true }));
  const ids = async (query: object) =>
    (await trail.find({ kind: "management", max: 10, ...query })).items
      .map(({ id }) => id)
      .join("");
  assert.equal(await ids({}), "dcba");
  assert.equal(await ids({ project: "default" }), "dca");
  assert.equal(await ids({ who: "user/bob" }), "b");
  assert.equal(await ids({ operation: "DeleteBucket" }), "c");
  assert.equal(await ids({ resource: ":::x" }), "c");
  assert.equal(await ids({ hasFailed: true }), "d");
  assert.equal(await ids({ isRead: false }), "cba");
  assert.equal(await ids({ fromMs: 2, untilMs: 3 }), "cb");
  assert.equal(await ids({ id: "a" }), "a");
  await trail.close();
});

test("what a crash tore is passed over, and zstdcat prints the rest", async (t) => {
  const folder = await folderOf(t);
  const clock = new ManualClock();
  const trail = await Trail.open(folder, { files, clock, log: silent });
  trail.note("management", entry("a", clock.now()));
  await trail.close();
  const [name] = (await readdir(join(folder, "management"))) as [string];
  const path = join(folder, "management", name);
  assert.match(zstdDecompressSync(await readFile(path)).toString(), /^\{"id":"a".*\}\n$/);
  const bytes = await readFile(path);
  await appendFile(path, bytes);
  await truncate(path, 2 * bytes.length - 5);
  const again = await Trail.open(folder, { files, clock, log: silent });
  again.note("management", entry("b", clock.now()));
  const { items } = await again.find({ kind: "management", max: 10 });
  assert.deepEqual(
    items.map(({ id }) => id),
    ["b", "a"],
  );
  await again.close();
});

test("files stay within their bound, the oldest going first", async (t) => {
  const folder = await folderOf(t);
  const clock = new ManualClock();
  let trail = await Trail.open(folder, { files, clock, log: silent });
  for (let day = 0; day < 4; day++) {
    trail.note("management", entry(`day ${day}`, clock.now()));
    await trail.close();
    await clock.advance(40 * 24 * 60 * 60_000);
    trail = await Trail.open(folder, { files, clock, log: silent });
  }
  trail.note("management", entry("today", clock.now()));
  const { items } = await trail.find({ kind: "management", max: 10 });
  assert.deepEqual(
    items.map(({ id }) => id),
    ["today", "day 3", "day 2", "day 1"],
  );
  await trail.close();
});

test("a flood of strangers does not wash away what others did", async (t) => {
  const clock = new ManualClock();
  const trail = await Trail.open(await folderOf(t), { files, clock, log: silent });
  for (let count = 0; count < 1000; count++)
    trail.note("management", entry(`s${count}`, 1, { project: "", who: stranger }));
  trail.note("management", entry("a", 1));
  const { items } = await trail.find({ kind: "management", max: 1000 });
  assert.equal(items.length, limits.trailStrangersMax + 1);
  await trail.close();
});

test("find() looks through so much text at once, however well it is compressed, and goes on from there", async (t) => {
  const trail = await Trail.open(await folderOf(t), {
    files,
    clock: new ManualClock(),
    log: silent,
  });
  const agent = "x".repeat(512 * 1024);
  const count = Math.ceil((1.5 * limits.trailLookedBytesMax) / agent.length);
  for (let at = 0; at < count; at++) {
    trail.note("data", entry(`e${at}`, at, { agent }));
    if (at % 20 === 0) await trail.find({ kind: "data", max: 1 });
  }
  const first = await trail.find({ kind: "data", max: 10, operation: "None" });
  assert.ok(first.next !== undefined);
  const rest = await trail.find({ kind: "data", max: 1000, after: first.next });
  const looked = rest.items.length * agent.length;
  assert.ok(looked < limits.trailLookedBytesMax && looked > 0, String(looked));
  assert.equal(rest.next, undefined);
  await trail.close();
});
