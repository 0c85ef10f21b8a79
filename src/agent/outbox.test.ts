import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { usedNothing } from "#/drivers/outcomes.ts";
import type { TaskReport } from "#/model/wire.ts";
import { Outbox } from "./outbox.ts";
import { Reports } from "./reports.ts";

const reportOf = (fence: number, result = `"é${fence}\\n"`): TaskReport => ({
  task: `j1/0/${fence}`,
  fence,
  usage: usedNothing(1),
  result,
});

async function pathOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-outbox-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, "outbox");
}

/** An outbox over the real disk, with its reports, and whether there is a link. */
function rigOf(path: string) {
  const clock = new ManualClock();
  const reports = new Reports(clock, () => false);
  const link = { isUp: false };
  const parts = { files: nodeFiles, clock, log: silent };
  const outbox = new Outbox(parts, path, { reports, isLinked: () => link.isUp });
  const sizeBytes = async () => (await nodeFiles.stat(path))?.sizeBytes ?? 0;
  return { clock, reports, link, outbox, sizeBytes };
}

const readBack = (path: string) => rigOf(path).outbox.read();

describe("Outbox", () => {
  it("keeps what ended without a link, and gives it to the next life", async (t) => {
    const path = await pathOf(t);
    const { reports, outbox } = rigOf(path);
    const batches = [[reportOf(1), reportOf(2)], [reportOf(3)], [reportOf(4)]];
    for (const batch of batches) {
      for (const report of batch) reports.add(report);
      await outbox.flush("due");
      await outbox.flush("due");
    }
    await outbox.stop();
    assert.deepEqual(await readBack(path), batches.flat());
    assert.equal((await readFile(path, "utf8")).trim().split("\n").length, 4);
  });

  it("writes nothing while the cloud answers in time, and what it is late with", async (t) => {
    const { clock, reports, link, outbox, sizeBytes } = rigOf(await pathOf(t));
    link.isUp = true;
    reports.add(reportOf(1));
    const { number } = reports.take()!;
    await clock.advance(limits.outboxAfterMs - 1);
    await outbox.flush("due");
    assert.equal(await sizeBytes(), 0);
    await clock.advance(1);
    reports.add(reportOf(2));
    reports.take();
    await outbox.flush("due");
    assert.ok((await sizeBytes()) > 0);
    reports.acknowledged(number);
    await outbox.flush("due");
    assert.equal(await sizeBytes(), 0);
  });

  it("leaves to this process what a map task made in it", async (t) => {
    const path = await pathOf(t);
    const { reports, outbox } = rigOf(path);
    reports.add({ ...reportOf(1), shuffleBytes: [3] });
    reports.add(reportOf(2));
    await outbox.flush("all");
    assert.deepEqual(
      (await readBack(path)).map(({ fence }) => fence),
      [2],
    );
  });

  it("is written anew when most of it is acknowledged", async (t) => {
    const path = await pathOf(t);
    const { reports, outbox, sizeBytes } = rigOf(path);
    const large = JSON.stringify("x".repeat(limits.outboxWasteBytesMin));
    reports.add(reportOf(1, large));
    const { number } = reports.take()!;
    reports.add(reportOf(2));
    await outbox.flush("due");
    reports.add(reportOf(3));
    await outbox.flush("due");
    reports.acknowledged(number);
    await outbox.flush("due");
    await outbox.stop();
    assert.ok((await sizeBytes()) < 1000);
    assert.deepEqual(await readBack(path), [reportOf(2), reportOf(3)]);
  });

  it("reads what is whole of a file that a power cut has torn or damaged, and goes on from there", async (t) => {
    const path = await pathOf(t);
    const { reports, outbox } = rigOf(path);
    const all = Array.from({ length: 5 }, (_, at) => reportOf(at + 1));
    for (const report of all) {
      reports.add(report);
      await outbox.flush("due");
    }
    await outbox.stop();
    const content = await readFile(path);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(content.length),
        fc.option(fc.tuple(fc.nat(content.length - 1), fc.integer({ min: 1, max: 255 }))),
        async (length, flip) => {
          const damaged = Buffer.from(content);
          if (flip) damaged[flip[0]]! ^= flip[1];
          await writeFile(path, damaged);
          await truncate(path, length);
          const next = rigOf(path);
          const read = await next.outbox.read();
          for (const report of read) assert.deepEqual(report, all[report.fence - 1]);
          const whole = content.subarray(0, length).toString("latin1").split("\n").length - 1;
          assert.ok(read.length >= whole - (flip ? 2 : 0), `${read.length} of ${whole} were read`);
          for (const report of read) next.reports.add(report);
          next.reports.add(reportOf(9));
          await next.outbox.flush("due");
          await next.outbox.stop();
          const again = (await readBack(path)).map(({ fence }) => fence);
          assert.deepEqual(again, [...read.map(({ fence }) => fence), 9]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("goes on with a new file when a write failed", async (t) => {
    const path = await pathOf(t);
    const { reports, clock } = rigOf(path);
    let isFull = true;
    let open = 0;
    const files: typeof nodeFiles = {
      ...nodeFiles,
      async append(at) {
        const appender = await nodeFiles.append(at);
        open++;
        const write = async (content: Uint8Array | string) => {
          await appender.write(isFull ? content.slice(0, 5) : content);
          if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC" });
        };
        return { ...appender, write, close: () => (open--, appender.close()) };
      },
    };
    const parts = { files, clock, log: silent };
    const outbox = new Outbox(parts, path, { reports, isLinked: () => false });
    for (const fence of [1, 2, 3]) {
      reports.add(reportOf(fence));
      if (fence === 3) isFull = false;
      await outbox.flush("due");
      const kept = (await readBack(path)).map((report) => report.fence);
      assert.deepEqual(kept, [[1], [1], [1, 2, 3]][fence - 1]);
      assert.equal(open, 0);
    }
  });
});
