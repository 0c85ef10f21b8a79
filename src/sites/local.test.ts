import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { siteConfig, type LocalConfig } from "#/model/site-config.ts";
import { LocalSite } from "./local.ts";
import { siteContract } from "./testing/contract.ts";
import { startJoining, type Joining } from "./testing/joining.ts";
import { thisProgram } from "./testing/program.ts";
import { releasesStubborn } from "./testing/stubborn.ts";

const GiB = 2 ** 30;

function openLocal(cloud: Joining, bootDelayMs: number): LocalSite {
  const shape = { milliCpus: 1500, memoryBytes: GiB };
  const wish = { type: "local", ...shape, machinesMax: 2, bootDelayMs, microsPerHour: 90_000 };
  const config = siteConfig.parse(wish) as LocalConfig;
  const program = thisProgram(cloud.folder);
  return new LocalSite(config, {
    ...nodeHost(silent),
    name: "here",
    cloudId: cloud.cloudId,
    folder: join(cloud.folder, "site"),
    secrets: {},
    env: program.env,
    program,
  });
}

siteContract("LocalSite", async () => {
  const cloud = await startJoining();
  return {
    open: () => Promise.resolve(openLocal(cloud, 200)),
    order: cloud.order,
    async joined(order) {
      await cloud.connected(order);
      return (await cloud.machinesOf(order)).length;
    },
    stop: cloud.stop,
  };
});

test("LocalSite ends the tasks too of an agent that has to be killed", async () => {
  const cloud = await startJoining();
  const site = openLocal(cloud, 0);
  try {
    const [offer] = await site.offers();
    await releasesStubborn(site, cloud, "o-stubborn", offer!.name);
  } finally {
    await site.release("o-stubborn");
    await cloud.stop();
  }
});

test("LocalSite's machine has the size of the offer, and one that died says so", async () => {
  const cloud = await startJoining();
  const site = openLocal(cloud, 0);
  try {
    const [offer] = await site.offers();
    await site.acquire(await cloud.order("o1", offer!.name));
    const machine = await cloud.connected("o1");
    assert.deepEqual(machine.capacity, offer!.capacity);
    const { machines } = await site.held();
    process.kill(Number(machines[0]!.handle), "SIGKILL");
    for (;;) {
      const [dead] = (await site.held()).machines;
      if (dead?.state !== "ended") continue;
      assert.match(dead.reason!, /its agent has ended/);
      break;
    }
    const again = await site.acquire(await cloud.order("o1", offer!.name));
    assert.equal(again.state, "ended");
    await site.release("o1");
    assert.deepEqual((await site.held()).machines, []);
  } finally {
    await site.release("o1");
    await cloud.stop();
  }
});
