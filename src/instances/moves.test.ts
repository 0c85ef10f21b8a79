import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { Estate } from "./testing/estate.ts";

const overS = (limits.instanceLeaseMs + limits.instanceLeaseMarginMs) / 1000 + 10;
const shared = { volume: { storage: "s" } };

test("a running instance goes to another machine, is bound to it, and its pause is told", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", shared);
  await estate.pass(5);
  estate.moves.begin(estate.instance(), "somebody asked for it");
  await estate.pass(30);
  const { machine, fence, state, moved, move, left } = estate.instance().status;
  assert.deepEqual([machine, fence, state, move, left], ["m1", 2, "running", undefined, undefined]);
  assert.deepEqual([moved!.from, moved!.to, moved!.pauseMs], ["m0", "m1", 42]);
  assert.deepEqual(estate.whereRuns(), ["m1"]);
  assert.equal(estate.computers[1]!.hardware.running.get("i-1")!.disks[0], "vol-i-1");
});

test("without shared storage its volume goes with it, and its file goes from where it was", async () => {
  const estate = await Estate.make([[], []]);
  estate.launch("i-1", "m0", { volume: {}, isRecovered: false });
  await estate.pass(5);
  estate.moves.begin(estate.instance(), "somebody asked for it", "m1");
  await estate.pass(30);
  const [from, to] = estate.computers;
  assert.deepEqual(
    [from!.hardware.volumes.has("vol-i-1"), to!.hardware.volumes.has("vol-i-1")],
    [false, true],
  );
  const { machine, left } = estate.space.get("volume", "vol-i-1")!.status;
  assert.deepEqual([machine, left], ["m1", undefined]);
});

test("what fails in the middle goes on where it is, says why, and may be moved again", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", shared);
  await estate.pass(5);
  estate.computers[0]!.hardware.breaks = [true];
  estate.moves.begin(estate.instance(), "somebody asked for it");
  await estate.pass(30);
  const { machine, move, stayed } = estate.instance().status;
  assert.deepEqual([machine, move], ["m0", undefined]);
  assert.match(stayed!.reason, /did not go over|has kept it/);
  assert.deepEqual(estate.whereRuns(), ["m0"]);
  estate.moves.begin(estate.instance(), "somebody asked for it");
  await estate.pass(30);
  assert.deepEqual([estate.whereRuns(), estate.instance().status.machine], [["m1"], "m1"]);
});

test("one that is terminated on its way leaves nothing on either machine", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", shared);
  await estate.pass(5);
  const moving = estate.moves.begin(estate.instance(), "somebody asked for it");
  estate.space.commit((tx) =>
    tx.put<"instance">({ ...moving, spec: { ...moving.spec, wanted: "terminated" } }),
  );
  await estate.pass(60);
  assert.deepEqual([estate.instance().status.state, estate.whereRuns()], ["terminated", []]);
  for (const { hardware } of estate.computers) assert.equal(hardware.running.size, 0);
  assert.equal(estate.instance().status.left, undefined);
});

test("a machine that is evacuated gets nothing more, and what can go goes, running or by a stop", async () => {
  const estate = await Estate.make([["s"], ["s"]]);
  estate.launch("i-1", "m0", shared);
  estate.launch("i-2", "m0", { ...shared, kind: "container" });
  estate.launch("i-3", "m0", { volume: {}, kind: "container" });
  await estate.pass(5);
  const { moving, restarting, staying } = estate.evacuation.begin("m0");
  assert.deepEqual([moving, restarting], [[{ instance: "i-1", to: "m1" }], ["i-2"]]);
  assert.match(staying[0]!.why, /i-3.*container cannot be moved while it runs/);
  await estate.pass(40);
  const where = ["i-1", "i-2", "i-3"].map((name) => estate.whereRuns(name).join());
  assert.deepEqual(where, ["m1", "m1", "m0"]);
  assert.equal(estate.space.get("machine", "m0")!.spec.cordoned, true);
  assert.equal(estate.instance("i-2").status.restartsElsewhere, undefined);
});

const happening = fc.record({
  what: fc.constantFrom("cut", "mend", "kill", "boot", "move", "break", "mute"),
  at: fc.nat(2),
  millis: fc.integer({ min: 0, max: 20_000 }),
});

for (const isRecovered of [true, false])
  test(`whatever happens in the middle, it runs once at most, and on one machine in the end (${isRecovered ? "recovered" : "bound"})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(happening, { minLength: 2, maxLength: 16 }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 6000 }),
        async (happenings, delayMs, paceMs) => {
          const estate = await Estate.make([["s"], ["s"], ["s"]]);
          estate.delayMs = () => delayMs;
          estate.paceMs = () => paceMs;
          estate.launch("i-1", "m0", { ...shared, isRecovered });
          let twice = "";
          const look = () => {
            if (estate.whereRuns().length > 1) twice += `${estate.whereRuns()} `;
          };
          const once = () => (look(), assert.equal(twice, ""));
          for (const computer of estate.computers) computer.hardware.onStart = look;
          await estate.pass(5, once);
          for (const { what, at, millis } of happenings) {
            const computer = estate.computers[at]!;
            if (what === "cut") computer.isCutOff = true;
            else if (what === "mend") computer.isCutOff = false;
            else if (what === "kill") computer.kill();
            else if (what === "boot") await computer.boot();
            else if (what === "break") computer.hardware.breaks = [true];
            else if (what === "mute") computer.hardware.isMute = !computer.hardware.isMute;
            else {
              try {
                estate.moves.begin(estate.instance(), "by chance");
              } catch {} // it moves already, or there is nowhere to go
            }
            await estate.pass(Math.floor(millis / 1000), once);
            await estate.clock.advance(millis % 1000);
          }
          for (const computer of estate.computers) {
            computer.isCutOff = false;
            await computer.boot();
          }
          await estate.pass(2 * overS + 240, once);
          const { machine, state, move } = estate.instance().status;
          assert.deepEqual([estate.whereRuns(), state, move], [[machine], "running", undefined]);
          for (const { hardware, name } of estate.computers)
            assert.equal(hardware.running.has("i-1"), name === machine, name);
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
  });
