import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { siteConfig, type Ec2Config } from "#/model/site-config.ts";
import { openEc2Site } from "./ec2.ts";
import type { Site } from "./site.ts";
import { siteContract } from "./testing/contract.ts";
import { Ec2Server } from "./testing/ec2-server.ts";
import { startJoining, type Joining } from "./testing/joining.ts";
import { thisProgram } from "./testing/program.ts";

interface Region {
  cloud: Joining;
  provider: Ec2Server;
  open(more?: object, secretAccessKey?: string): Promise<Site>;
  stop(): Promise<void>;
}

async function startRegion(): Promise<Region> {
  const cloud = await startJoining();
  const provider = new Ec2Server(join(cloud.folder, "instances"));
  await provider.start();
  const program = thisProgram(cloud.folder);
  return {
    cloud,
    provider,
    open(more = {}, secretAccessKey = provider.secretAccessKey) {
      const config = siteConfig.parse({
        type: "ec2",
        region: "eu-1",
        endpoint: provider.url,
        accessKeyId: provider.accessKeyId,
        imageId: "ami-1",
        machinesMax: 2,
        types: [{ name: "m7i.large", microsPerHour: 100_800 }],
        ...more,
      }) as Ec2Config;
      return openEc2Site(config, {
        ...nodeHost(silent),
        name: "eu",
        cloudId: cloud.cloudId,
        folder: join(cloud.folder, "site"),
        secrets: { secretAccessKey },
        env: program.env,
        program,
      });
    },
    async stop() {
      provider.stop();
      await cloud.stop();
    },
  };
}

siteContract("Ec2Site", async () => {
  const region = await startRegion();
  return {
    open: () => region.open(),
    order: region.cloud.order,
    async joined(order) {
      await region.cloud.connected(order);
      return (await region.cloud.machinesOf(order)).length;
    },
    stop: region.stop,
  };
});

describe("Ec2Site", () => {
  let region: Region;
  before(async () => (region = await startRegion()));
  after(() => region?.stop());
  const onDemand = "m7i.large/on-demand";
  const live = async (site: Site) =>
    (await site.held()).machines.filter(({ state }) => state !== "ended");

  it("offers spot by zone at the provider's price, and knows no hazard that nobody told it", async () => {
    const site = await region.open({ markets: ["on-demand", "spot"] });
    const offers = await site.offers();
    assert.deepEqual(
      offers.map(({ name, microsPerHour }) => [name, microsPerHour]),
      [
        [onDemand, 100_800],
        ["m7i.large/spot/eu-1a", 30_000],
        ["m7i.large/spot/eu-1b", 31_000],
      ],
    );
    assert.equal(offers[1]!.interruptionsPerHour, undefined);
    assert.equal(offers[0]!.capacity.milliCpus, 2000);
    const held = await site.acquire(await region.cloud.order("o-spot", offers[2]!.name));
    const instance = region.provider.instances.find(({ id }) => id === held.handle)!;
    assert.deepEqual([instance.type, instance.zone], ["m7i.large spot", "eu-1b"]);
    region.provider.end(
      instance,
      "Server.SpotInstanceTermination: Instance terminated by the service",
    );
    const [ended] = (await site.held()).machines;
    assert.equal(ended?.state, "ended");
    assert.match(ended.reason!, /SpotInstanceTermination/);
  });

  it("pays no more for spot than it was ordered at: it is refused, or taken away, at any other price", async () => {
    const { provider, cloud } = region;
    const site = await region.open({ markets: ["spot"] });
    const spot = "m7i.large/spot/eu-1a";
    const order = async (name: string) => ({
      ...(await cloud.order(name, spot)),
      microsPerHour: 30_000,
    });
    const held = await site.acquire(await order("o-priced"));
    const instance = provider.instances.find(({ id }) => id === held.handle)!;
    assert.equal(instance.priceMax, 0.03);
    provider.reprice("eu-1a", 0.05);
    assert.equal(instance.state, "terminated");
    await assert.rejects(site.acquire(await order("o-risen")), {
      code: "no-capacity",
      message: /SpotMaxPriceTooLow/,
    });
    assert.deepEqual(await live(site), []);
    provider.reprice("eu-1a", 0.03);
  });

  it("says in the provider's words what it refuses, and holds nothing then", async () => {
    const site = await region.open();
    const inject = (action: string, code: string) =>
      region.provider.injected.push({ action, code, message: `the words of ${code}` });
    const cases = [
      ["InsufficientInstanceCapacity", "no-capacity"],
      ["RequestLimitExceeded", "limited"],
      ["UnauthorizedOperation", "forbidden"],
      ["InternalError", "unavailable"],
      ["SomethingNobodyKnows", "forbidden"],
    ] as const;
    for (const [word, code] of cases) {
      inject("RunInstances", word);
      const order = await region.cloud.order(`o-${word}`, onDemand);
      const message = new RegExp(`${word}: the words of ${word}`);
      await assert.rejects(site.acquire(order), { code, message });
      assert.deepEqual(await live(site), []);
    }
    const stranger = await region.open({}, "another secret");
    await assert.rejects(stranger.offers(), { code: "forbidden", message: /AuthFailure: AWS was/ });
  });

  it("makes one instance when the answer to the first try was lost", async () => {
    const site = await region.open();
    const { injected } = region.provider;
    const message = "an answer that was lost";
    injected.push({ action: "RunInstances", code: "InternalError", message, made: "tagged" });
    const order = await region.cloud.order("o-lost", onDemand);
    await assert.rejects(site.acquire(order), { code: "unavailable" });
    const [orphan] = await live(site);
    assert.equal(orphan?.order, "o-lost");
    assert.equal((await site.acquire(order)).handle, orphan.handle);
    assert.equal((await live(site)).length, 1);
    await site.release("o-lost");
    assert.deepEqual(await live(site), []);
  });

  it("finds and ends an instance that was made without its tags", async () => {
    const site = await region.open();
    const { injected } = region.provider;
    const message = "half of it";
    injected.push({ action: "RunInstances", code: "InternalError", message, made: "untagged" });
    const order = await region.cloud.order("o-half", onDemand);
    await assert.rejects(site.acquire(order), { code: "unavailable" });
    const other = await region.open();
    assert.deepEqual(
      (await live(other)).map((machine) => machine.order),
      ["o-half"],
    );
    await other.release("o-half");
    assert.deepEqual(await live(other), []);
  });

  it("deletes what instances left that no order wants: disks, interfaces, stopped ones, requests for spot", async () => {
    const { provider } = region;
    const site = await region.open({ markets: ["on-demand", "spot"] });
    provider.keeps = new Set(["volume", "network-interface", "spot-instances-request"]);
    const spot = "m7i.large/spot/eu-1a";
    const gone = await site.acquire(await region.cloud.order("o-gone", spot));
    const kept = await site.acquire(await region.cloud.order("o-kept", onDemand));
    const isWanted = (order: string) => order === "o-kept";
    await site.release("o-gone");
    const deleted = await site.sweep!(isWanted);
    assert.deepEqual(deleted, [
      {
        order: "o-gone",
        what: `the request for spot instances spot-instances-request-${gone.handle}`,
      },
      { order: "o-gone", what: `the disk volume-${gone.handle}` },
      { order: "o-gone", what: `the network interface network-interface-${gone.handle}` },
    ]);
    const instances = new Set(provider.parts.map(({ instance }) => instance));
    assert.deepEqual([...instances], [kept.handle]);
    assert.deepEqual(await site.sweep!(isWanted), []);
    // Somebody stopped it: it runs nothing any more, and its disk is billed on.
    provider.instances.find(({ id }) => id === kept.handle)!.state = "stopped";
    assert.deepEqual(await site.sweep!(isWanted), []);
    const stopped = await site.sweep!(() => false);
    assert.deepEqual(
      stopped.map(({ what }) => what),
      [
        `the stopped instance ${kept.handle}`,
        `the disk volume-${kept.handle}`,
        `the network interface network-interface-${kept.handle}`,
      ],
    );
    assert.deepEqual(provider.parts, []);
    provider.keeps.clear();
  });

  it("leaves alone what is of another site, or of another cloud", async () => {
    const { provider } = region;
    const site = await region.open();
    provider.keeps = new Set(["volume"]);
    await site.acquire(await region.cloud.order("o-other", onDemand));
    for (const [tag, value] of [
      ["canopy:site", "us"],
      ["canopy:cloud", "another"],
    ] as const) {
      const volume = provider.parts.find(({ type }) => type === "volume")!;
      const before = volume.tags;
      volume.tags = { ...before, [tag]: value };
      volume.state = "available";
      assert.deepEqual(await site.sweep!(() => false), []);
      volume.tags = before;
    }
    await site.release("o-other");
    assert.equal((await site.sweep!(() => false)).length, 1);
    provider.keeps.clear();
  });

  it("is unhealthy while the provider cannot be reached, and says so", async () => {
    const away = await region.open({ endpoint: "http://127.0.0.1:1" });
    await assert.rejects(away.offers(), { code: "unavailable" });
  });
});
