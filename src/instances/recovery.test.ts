import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { Estate } from "./testing/estate.ts";

const overS = (limits.instanceLeaseMs + limits.instanceLeaseMarginMs) / 1000 + 10;
const shared = { volume: { storage: "s" } };

test("an instance whose machine dies is started elsewhere from its shared volume, once that is certain, and says why", async () => {
  const estate = await Estate.make([["s"], ["s"], []]);
  estate.launch("i-1", "m0", shared);
  await estate.pass(5);
  assert.equal(estate.instance().status.state, "running");
  estate.computers[0]!.cutPower();
  await estate.pass(limits.instanceLeaseMs / 1000);
  assert.deepEqual(estate.whereRuns(), []);
  await estate.pass(overS);
  const { status } = estate.instance();
  assert.deepEqual([status.machine, status.fence, status.state], ["m1", 2, "running"]);
  assert.deepEqual(estate.space.get("volume", "vol-i-1")!.status.machine, "m1");
  assert.deepEqual(estate.whereRuns(), ["m1"]);
  const [why] = await estate.space.archived("decision", { prefix: "i-1/", limit: 5 });
  assert.match(why!.spec.why.join(), /m0 was silent for \d+ s/);
  // What comes back is told that it is gone, and says so.
  const [dead] = estate.computers;
  dead!.isPowered = true;
  await dead!.boot();
  await estate.pass(10);
  assert.deepEqual(estate.whereRuns(), ["m1"]);
  assert.equal(estate.instance().status.left, undefined);
});

test("one with a volume on its machine alone, and one without a lease, wait for it and say so", async () => {
  const estate = await Estate.make([[], []]);
  estate.launch("i-1", "m0", { volume: {} });
  estate.launch("i-2", "m0", { isRecovered: false });
  await estate.pass(5);
  estate.computers[0]!.cutPower();
  await estate.pass(overS + 60);
  assert.match(
    estate.instance().status.waits!,
    /m0 is silent, and its volume vol-i-1 is on m0 alone/,
  );
  assert.deepEqual(estate.instance("i-2").status.machine, "m0");
  assert.deepEqual(estate.whereRuns(), []);
  const [dead] = estate.computers;
  dead!.isPowered = true;
  await dead!.boot();
  await estate.pass(20);
  assert.deepEqual([estate.whereRuns(), estate.whereRuns("i-2")], [["m0"], ["m0"]]);
  assert.equal(estate.instance().status.waits, undefined);
});

test("a machine that is removed for good takes with it what it had alone, and leaves what others have too", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", { volume: {} });
  estate.launch("i-2", "m0", { ...shared, isRecovered: false });
  estate.launch("i-3", "m0", shared);
  await estate.pass(5);
  estate.computers[0]!.cutPower();
  estate.space.commit((tx) => tx.delete("machine", "m0"));
  await estate.pass(overS + 40);
  const { state, reason } = estate.instance().status;
  assert.deepEqual([state, reason!.code], ["terminated", "Server.InternalError"]);
  assert.match(reason!.message, /HostFailure/);
  assert.equal(estate.space.get("volume", "vol-i-1"), undefined);
  assert.equal(estate.instance("i-2").status.state, "stopped");
  assert.deepEqual(estate.whereRuns("i-3"), ["m1"]);
});

test("a control plane that has just started waits a whole lease, as another may have answered the machine until then", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", shared);
  await estate.pass(5);
  estate.computers[0]!.isCutOff = true;
  await estate.pass(limits.instanceLeaseMs / 1000);
  estate.hosting.stop();
  estate.recovery.stop();
  for (const computer of estate.computers) computer.kill();
  await estate.begin();
  await estate.computers[1]!.boot();
  await estate.pass(limits.instanceLeaseMs / 1000);
  assert.equal(estate.instance().status.machine, "m0");
  await estate.pass(overS);
  assert.deepEqual(estate.instance().status.machine, "m1");
});

const happening = fc.record({
  what: fc.constantFrom("cut", "mend", "power", "kill", "boot"),
  at: fc.nat(2),
  seconds: fc.integer({ min: 0, max: 70 }),
});

test("an instance never runs twice at once, whatever dies, is cut off and comes back, and runs in the end", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 1, maxLength: 14 }),
      fc.integer({ min: 1, max: 900 }),
      async (happenings, delayMs) => {
        const estate = await Estate.make([["s"], ["s"], ["s"]]);
        estate.delayMs = () => delayMs;
        estate.launch("i-1", "m0", shared);
        let twice = "";
        const look = () => {
          if (estate.whereRuns().length > 1) twice += `${estate.whereRuns()} `;
        };
        const once = () => (look(), assert.equal(twice, ""));
        for (const computer of estate.computers) computer.hardware.onStart = look;
        const mend = async () => {
          for (const computer of estate.computers) {
            computer.isCutOff = false;
            computer.isPowered = true;
            await computer.boot();
          }
        };
        for (const { what, at, seconds } of happenings) {
          const computer = estate.computers[at]!;
          if (what === "cut") computer.isCutOff = true;
          else if (what === "mend") computer.isCutOff = false;
          else if (what === "power") computer.cutPower();
          else if (what === "kill") computer.kill();
          else {
            computer.isPowered = true;
            await computer.boot();
          }
          await estate.pass(seconds, once);
        }
        await mend();
        await estate.pass(overS + 120, once);
        assert.deepEqual(estate.whereRuns(), [estate.instance().status.machine]);
        assert.equal(estate.instance().status.state, "running");
      },
    ),
    { numRuns: 30, endOnFailure: true },
  );
});
