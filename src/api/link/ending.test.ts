import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { MachineView } from "#/model/views.ts";
import { dial, hello, startAgent } from "../testing/agent.ts";
import { startWorld, type World } from "../testing/world.ts";

let world: World;
before(async () => (world = await startWorld()));
after(() => world.stop());

test("a machine that its provider takes away gets no more tasks, on a new link neither", async () => {
  const url = await world.listen();
  const agent = await startAgent(world, url);
  const read = async () =>
    (await world.call("GET", `/v1/machines/${agent.machine}`)).json<MachineView>();
  assert.equal((await read()).cordoned, false);
  agent.send({ type: "ending", at: 1_900_000_000_000 });
  // Messages of one link are taken in their order.
  agent.send({ type: "beat", cpuShare: 0, memoryFreeBytes: 1e9, running: [] });
  await agent.next("heard");
  assert.equal((await read()).cordoned, true);
  assert.equal(world.space.get("machine", agent.machine)!.status.endsAt, 1_900_000_000_000);

  const other = await startAgent(world, url);
  other.close();
  await other.closed;
  const again = await dial(url, other.machine, other.key);
  const said = hello() as Extract<ReturnType<typeof hello>, { type: "hello" }>;
  again.send({ ...said, status: { ...said.status, endsAt: 1_900_000_000_000 } });
  await again.next("welcome");
  assert.equal(world.space.get("machine", other.machine)!.spec.cordoned, true);
});
