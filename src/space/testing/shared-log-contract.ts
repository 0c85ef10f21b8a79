import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { Deposed, type Batch, type SharedLog } from "../log.ts";
import { taskChange } from "./task-change.ts";

interface SharedLogBackend {
  name: string;
  /** Why it cannot be tried here. */
  skip: string | false;
  /** What several control planes share: each opens it for itself. */
  make(): () => SharedLog;
  /** In which the log lives; the machine's own when absent. */
  time?: { nowMs(): number; sleep(ms: number): Promise<unknown> };
}

const realTime = { nowMs: () => performance.now(), sleep: (ms: number) => sleep(ms) };

const batch = (sequence: number): Batch => ({
  sequence,
  serial: sequence,
  changes: [taskChange("put", sequence)],
});

/** What every shared log promises beside what logs do; see `SharedLog`. */
export function describeSharedLog({ name, skip, make, time = realTime }: SharedLogBackend): void {
  describe(`the shared ${name} log`, { skip }, () => {
    /** Two control planes, the first of which leads. */
    async function two() {
      const open = make();
      const [first, second] = [open(), open()];
      await first.follow();
      await second.follow();
      const epoch = await first.lead("http://first");
      return {
        first,
        second,
        epoch: epoch!,
        close: () => Promise.all([first.close(), second.close()]),
      };
    }

    test("lead() gives one leader at a time a new epoch, and leader() says who that is", async () => {
      const { first, second, epoch, close } = await two();
      assert.equal(epoch, 1);
      assert.equal(await second.lead("http://second"), undefined);
      const leader = await second.leader();
      assert.equal(leader!.epoch, 1);
      assert.equal(leader!.url, "http://first");
      assert.ok(leader!.silentMs < limits.leaderSilentMs);
      assert.equal(await first.lead("http://first"), 2);
      await close();
    });

    test("leader() gives undefined while nobody ever led", async () => {
      const log = make()();
      await log.follow();
      assert.equal(await log.leader(), undefined);
      await log.close();
    });

    test("resign() lets another lead at once, and what the first appends then is refused with Deposed", async () => {
      const { first, second, close } = await two();
      await first.append(batch(1));
      await first.resign();
      assert.equal((await second.leader())!.silentMs, Number.POSITIVE_INFINITY);
      assert.equal(await second.lead("http://second"), 2);
      await assert.rejects(first.append(batch(2)), Deposed);
      await assert.rejects(first.beat(), Deposed);
      await first.resign();
      assert.deepEqual(await second.read(0, 9), [batch(1)]);
      await second.append(batch(2));
      assert.deepEqual(await first.read(1, 9), [batch(2)]);
      await close();
    });

    test("a leader that beats stays, and one that is silent is deposed without knowing it", async () => {
      const { first, second, close } = await two();
      for (let beats = 0; beats * limits.leaderBeatMs < 1.5 * limits.leaderSilentMs; beats++) {
        await time.sleep(limits.leaderBeatMs);
        await first.beat();
        assert.equal(await second.lead("http://second"), undefined);
      }
      await time.sleep(limits.leaderSilentMs + 50);
      assert.equal(await second.lead("http://second"), 2);
      await assert.rejects(first.append(batch(1)), Deposed);
      assert.deepEqual(await second.read(0, 9), []);
      const { epoch, sequence } = await second.follow();
      assert.deepEqual([epoch, sequence], [2, 0]);
      await close();
    });

    test("load() throws 'conflict' while another leads, and leads once that one is silent", async () => {
      const open = make();
      const [first, second] = [open(), open()];
      await first.load();
      let beats = true;
      const beating = (async () => {
        for (; beats; await time.sleep(50)) await first.beat();
      })();
      await assert.rejects(second.load(), (error: CanopyError) => error.code === "conflict");
      beats = false;
      await beating;
      await time.sleep(limits.leaderSilentMs + 100);
      assert.equal((await second.load()).epoch, 2);
      await Promise.all([first.close(), second.close()]);
    });

    test("a follower that reads when it hears of news gets every batch once and in order", async () => {
      const { first, second, close } = await two();
      const seen: number[] = [];
      let reading = Promise.resolve();
      const read = async () => {
        for (const { sequence } of await second.read(seen.length, 7)) seen.push(sequence);
      };
      second.onNews = () => (reading = reading.then(read));
      await time.sleep(50); // it listens
      for (let sequence = 1; sequence <= 40; sequence++) await first.append(batch(sequence));
      const endMs = time.nowMs() + 10_000;
      while (seen.length < 40 && time.nowMs() < endMs) {
        await time.sleep(20);
        await reading;
        if (seen.length % 7 === 0) await (reading = reading.then(read)); // a page was full
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 40 }, (_, at) => at + 1),
      );
      await close();
    });

    test("follow() gives what the leader has appended so far, under its epoch", async () => {
      const { first, second, close } = await two();
      await first.append(batch(1));
      await first.append(batch(2));
      const { records, ...rest } = await second.follow();
      assert.deepEqual(rest, { sequence: 2, serial: 2, epoch: 1 });
      assert.deepEqual(
        [...records],
        [batch(1), batch(2)].map(({ changes }) => changes[0]!.record),
      );
      await close();
    });
  });
}
