import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { microsPerHourOf } from "#/meter/instance-price.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { hourMs } from "#/model/units.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { archiveEndedInstances } from "./ended-instances.ts";
import { fold } from "./fold.ts";
import { Instances } from "./instances.ts";
import { spentMicrosOf } from "./spent.ts";

test("an instance costs what its type does while it runs, and keeps that when it has ended", async () => {
  const space = await Space.open({
    log: new MemoryLog(),
    clock: nodeClock,
    report: silent,
    onBroken: () => {},
  });
  let now = 0;
  const clock = { now: () => now };
  const instances = new Instances({ space, clock } as never);
  const read = () => space.get("instance", "i-1")!;
  const says = (state: "running" | "stopped" | "gone") => {
    const reports = { volumes: [], snapshots: [], gone: [] };
    const report = { instance: "i-1", fence: 1, state, reboots: 0, startedAt: 1 };
    const said = { machine: "m", now, reports: { ...reports, instances: [report] } };
    space.commit((tx) => fold(tx, space, said));
  };
  const spec = { type: "c.medium", wanted: "running", onShutdown: "stop" };
  space.commit((tx) =>
    tx.put<"instance">({
      kind: "instance",
      project: "default",
      name: "i-1",
      spec: spec as InstanceRecord["spec"],
      status: { state: "pending", since: 0, machine: "m", fence: 1 },
    }),
  );
  const price = microsPerHourOf(instanceTypes.get("c.medium")!);
  const hours = () => spentMicrosOf(read(), now) / price;
  now = hourMs;
  assert.equal(hours(), 0, "what is pending costs nothing");
  says("running");
  now += 2 * hourMs;
  says("running");
  assert.equal(hours(), 2);
  instances.stop([read()]);
  now += hourMs;
  says("stopped");
  now += hourMs;
  assert.deepEqual([read().status.state, hours()], ["stopped", 2]);
  instances.terminate([read()]);
  says("gone");
  assert.deepEqual([read().status.state, read().status.spentMicros], ["terminated", 2 * price]);
  now += limits.terminatedKeptMs;
  archiveEndedInstances({ space, clock });
  assert.ok(read(), "it is told of for an hour");
  now++;
  archiveEndedInstances({ space, clock });
  assert.equal(space.get("instance", "i-1"), undefined);
  const [kept] = await space.archived("instance", { limit: 5 });
  assert.equal(kept!.status.spentMicros, 2 * price);
  await space.close();
});
