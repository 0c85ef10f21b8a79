import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CanopyError } from "#/base/errors.ts";
import type { Change, AnyRecord } from "#/model/record.ts";
import { readyStatus, type TaskRecord } from "#/model/task.ts";
import type { SpaceLog } from "../log.ts";

/** A log that can be closed and opened again as another process would find it. */
interface LogBackend {
  name: string;
  /** Why it cannot be tried here. */
  skip: string | false;
  make(): { open(): SpaceLog };
}

function task(
  serial: number,
  revision = 1,
  status: TaskRecord["status"] = readyStatus,
): TaskRecord {
  return {
    kind: "task",
    project: "default",
    serial,
    name: `j1/0/${serial}`,
    revision,
    spec: { input: `${serial}` },
    status,
  };
}

const batch = (sequence: number, ...changes: [Change["op"], AnyRecord][]) => ({
  sequence,
  serial: 100 * sequence,
  changes: changes.map(([op, record]) => ({ op, record })),
});

/** What every log promises; see `SpaceLog`. */
export function describeLog({ name, skip, make }: LogBackend): void {
  describe(`the ${name} log`, { skip }, () => {
    test("load() of a new log gives nothing, and an epoch that grows with each opening", async () => {
      const { open } = make();
      const log = open();
      const { records, ...rest } = await log.load();
      assert.deepEqual([...records], []);
      assert.deepEqual(rest, { sequence: 0, serial: 0, epoch: 1 });
      await log.close();
      const again = open();
      assert.equal((await again.load()).epoch, 2);
      await again.close();
    });

    test("load() gives live records by serial, as they were last put", async () => {
      const { open } = make();
      const log = open();
      await log.load();
      await log.append(batch(1, ["put", task(1)], ["put", task(2)], ["put", task(3)]));
      const waiting = { phase: "waiting", notBefore: 7 } as const;
      await log.append(
        batch(2, ["put", task(1, 2, waiting)], ["archive", task(2, 2, { phase: "succeeded" })]),
      );
      await log.close();
      const again = open();
      const { records, sequence, serial } = await again.load();
      assert.deepEqual([...records], [task(1, 2, waiting), task(3)]);
      assert.deepEqual({ sequence, serial }, { sequence: 2, serial: 200 });
      await again.close();
    });

    test("load() keeps the one shared status of waiting tasks shared", async () => {
      const { open } = make();
      const log = open();
      await log.load();
      await log.append(batch(1, ["put", task(1)]));
      await log.close();
      const again = open();
      const [record] = [...(await again.load()).records];
      assert.equal(record!.status, readyStatus);
      await again.close();
    });

    test("find() gives archived records in the order asked for, and undefined for others", async () => {
      const log = make().open();
      await log.load();
      await log.append(batch(1, ["put", task(1)], ["put", task(2)], ["archive", task(3)]));
      await log.append(batch(2, ["archive", task(1, 2, { phase: "failed" })]));
      const found = await log.find("task", ["j1/0/3", "j1/0/9", "j1/0/1", "j1/0/2"]);
      assert.deepEqual(found, [task(3), undefined, task(1, 2, { phase: "failed" }), undefined]);
      await log.close();
    });

    test("a restored record is live again and no longer archived; a deleted one is neither", async () => {
      const { open } = make();
      const log = open();
      await log.load();
      await log.append(batch(1, ["archive", task(1, 1, { phase: "failed" })], ["put", task(2)]));
      await log.append(batch(2, ["restore", task(1, 2)], ["delete", task(2, 2)]));
      assert.deepEqual(await log.find("task", ["j1/0/1", "j1/0/2"]), [undefined, undefined]);
      await log.close();
      const again = open();
      assert.deepEqual([...(await again.load()).records], [task(1, 2)]);
      await again.close();
    });

    test("a record that is archived again is found as it was archived last", async () => {
      const log = make().open();
      await log.load();
      await log.append(batch(1, ["archive", task(1, 1, { phase: "failed" })]));
      const again = task(1, 2, { phase: "cancelled" });
      await log.append(batch(2, ["archive", task(2, 1, { phase: "failed" })], ["archive", again]));
      assert.deepEqual(await log.find("task", ["j1/0/1"]), [again]);
      await log.close();
    });

    test("archived() pages backwards by name within a prefix, a project and a phase", async () => {
      const log = make().open();
      await log.load();
      const ended = (serial: number, phase: "failed" | "succeeded") => task(serial, 1, { phase });
      await log.append(
        batch(1, ["archive", ended(1, "failed")], ["archive", ended(2, "succeeded")]),
      );
      await log.append(
        batch(
          2,
          ["archive", ended(3, "failed")],
          ["archive", { ...ended(4, "failed"), project: "other" }],
        ),
      );
      await log.append(batch(3, ["archive", { ...ended(5, "failed"), name: "j2/0/5" }]));
      const names = async (options: Parameters<SpaceLog["archived"]>[1]) =>
        (await log.archived("task", options)).map((record) => record.name);
      assert.deepEqual(await names({ prefix: "j1/", limit: 9 }), [
        "j1/0/4",
        "j1/0/3",
        "j1/0/2",
        "j1/0/1",
      ]);
      assert.deepEqual(await names({ prefix: "j1/", before: "j1/0/3", limit: 1 }), ["j1/0/2"]);
      assert.deepEqual(await names({ phase: "failed", project: "default", limit: 9 }), [
        "j2/0/5",
        "j1/0/3",
        "j1/0/1",
      ]);
      await log.close();
    });

    test("read() gives batches in order after a sequence, also after opening again", async () => {
      const { open } = make();
      const log = open();
      await log.load();
      for (let index = 1; index <= 5; index++) await log.append(batch(index, ["put", task(index)]));
      await log.close();
      const again = open();
      await again.load();
      assert.deepEqual(
        (await again.read(3, 10)).map(({ sequence }) => sequence),
        [4, 5],
      );
      assert.deepEqual(await again.read(1, 1), [batch(2, ["put", task(2)])]);
      assert.deepEqual(await again.read(5, 10), []);
      await assert.rejects(again.read(6, 1), (error: CanopyError) => error.code === "not-found");
      await again.close();
    });
  });
}
