import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Link } from "#/base/network.ts";
import { Tally } from "../faults/tally.ts";
import { Machine } from "./machine.ts";
import { Net } from "./net.ts";
import { World } from "./world.ts";

/** Two machines, and a link from the one to the other. */
async function linked() {
  const world = new World(7);
  const tally = new Tally();
  const net = new Net(world, tally);
  const [one, other] = ["one", "other"].map((name) => {
    const machine = new Machine(name, { world, net, tally });
    net.machines.set(name, machine);
    return machine;
  }) as [Machine, Machine];
  const { life } = other.begin();
  const heard: string[] = [];
  let there: Link | undefined;
  net.listen(other, life, 7700, {
    request: async () => ({ status: 404, headers: {}, body: new Uint8Array(0) }),
    link: async () => ({
      open: (link) => {
        there = link;
        link.onMessage = (text) => void heard.push(text);
      },
    }),
  });
  let here: Link | undefined;
  void one
    .begin()
    .host.network.dial("ws://other:7700/v1/link", {})
    .then((link) => (here = link));
  await world.run(() => here !== undefined && there !== undefined);
  const pass = async (ms: number) => {
    const untilMs = world.nowMs + ms;
    world.after(ms, undefined, "test", () => {});
    await world.run(() => world.nowMs >= untilMs);
  };
  return { net, one, other, here: here!, there: there!, heard, pass };
}

describe("a link", () => {
  test("keeps the order of its messages, however late the network is", async () => {
    const { net, here, heard, pass } = await linked();
    net.weather = { late: 0.5, lateMs: 1000, cut: 0, repeated: 0 };
    const sent = Array.from({ length: 50 }, (_, at) => String(at));
    for (const text of sent) here.send(text);
    await pass(5000);
    assert.deepEqual(heard, sent);
    assert.equal(here.bufferedBytes(), 0);
  });

  test("falls silent both ways, or one, and goes on when the way is open again", async () => {
    const { net, here, there, heard, pass } = await linked();
    const answers: string[] = [];
    here.onMessage = (text) => void answers.push(text);
    const open = net.block("one", "other");
    here.send("there");
    there.send("back");
    await pass(1000);
    assert.deepEqual([heard, answers], [[], ["back"]]);
    open();
    await pass(5000);
    assert.deepEqual(heard, ["there"]);
  });

  test("is closed by the death of a process, and not by that of a machine", async () => {
    for (const isCut of [false, true]) {
      const { other, here, pass } = await linked();
      const reasons: string[] = [];
      here.onClose = (reason) => void reasons.push(reason);
      if (isCut) other.cutPower();
      else other.kill();
      await pass(60_000);
      assert.equal(reasons.length, isCut ? 0 : 1);
    }
  });
});
