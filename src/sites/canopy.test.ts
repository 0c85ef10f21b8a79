import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { siteConfig, type CanopyConfig, type LocalConfig } from "#/model/site-config.ts";
import { CanopySite } from "./canopy.ts";
import { LocalSite } from "./local.ts";
import { siteContract } from "./testing/contract.ts";
import { startJoining, type Joining } from "./testing/joining.ts";
import { thisProgram } from "./testing/program.ts";

const MiB = 2 ** 20;

interface Neighbours {
  cloud: Joining;
  lender: Joining;
  open(more?: object, key?: string): CanopySite;
  stop(): Promise<void>;
}

/** A cloud, and another one with a machine of 4 CPUs that it lends of. */
async function startNeighbours(): Promise<Neighbours> {
  const cloud = await startJoining();
  const lender = await startJoining();
  const program = thisProgram(lender.folder);
  const parts = { ...nodeHost(silent), env: program.env, program };
  const shape = { milliCpus: 4000, memoryBytes: 2048 * MiB };
  const own = new LocalSite(siteConfig.parse({ type: "local", ...shape }) as LocalConfig, {
    ...parts,
    name: "own",
    cloudId: lender.cloudId,
    folder: join(lender.folder, "site"),
    secrets: {},
  });
  const [offer] = await own.offers();
  await own.acquire(await lender.order("host", offer!.name));
  await lender.connected("host");
  return {
    cloud,
    lender,
    open(more = {}, key = lender.root) {
      const wish = { type: "canopy", url: lender.url, machinesMax: 2, microsPerHour: 20_000 };
      const size = { milliCpus: 1000, memoryBytes: 512 * MiB };
      const config = siteConfig.parse({ ...wish, ...size, ...more }) as CanopyConfig;
      const folder = join(cloud.folder, "site");
      const { cloudId } = cloud;
      return new CanopySite(config, { ...parts, name: "next", cloudId, folder, secrets: { key } });
    },
    async stop() {
      await own.release("host");
      await lender.stop();
      await cloud.stop();
    },
  };
}

siteContract("CanopySite", async () => {
  const { cloud, open, stop } = await startNeighbours();
  return {
    open: () => Promise.resolve(open()),
    order: cloud.order,
    async joined(order) {
      await cloud.connected(order);
      return (await cloud.machinesOf(order)).length;
    },
    stop,
  };
});

describe("CanopySite", () => {
  let both: Neighbours;
  before(async () => (both = await startNeighbours()));
  after(() => both?.stop());

  it("offers what has room there, and a machine of its size", async () => {
    const site = both.open({ machinesMax: 100 });
    const [offer] = await site.offers();
    assert.equal(offer!.countMax, 4);
    await site.acquire(await both.cloud.order("o1", offer!.name));
    const machine = await both.cloud.connected("o1");
    assert.deepEqual(machine.capacity, offer!.capacity);
    assert.equal((await site.offers())[0]!.countMax, 3);
    await site.release("o1");
  });

  it("says in the other cloud's words what it refuses", async () => {
    const order = (name: string, offer: string) => both.cloud.order(name, offer);
    const large = both.open({ milliCpus: 64_000 });
    const [offer] = await large.offers();
    assert.equal(offer!.countMax, 0);
    const refused = large.acquire(await order("o2", offer!.name));
    await assert.rejects(refused, { code: "no-capacity" });
    const stranger = both.open({}, "canopy_key_00000000000000000000000000000000");
    await assert.rejects(stranger.offers(), { code: "forbidden", message: /no such key is known/ });
    const away = both.open({ url: "http://127.0.0.1:1" });
    await assert.rejects(away.offers(), { code: "unavailable" });
    assert.ok((await both.open().held()).machines.every(({ state }) => state === "ended"));
  });
});
