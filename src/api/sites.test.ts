import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { SiteDetail, SiteView } from "#/model/site-views.ts";
import type { MadeKeyView, Page } from "#/model/views.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
before(async () => (world = await startWorld()));
after(() => world.stop());

const shape = { milliCpus: 1000, memoryBytes: 2 ** 30 };
const offers = [{ name: "small", ...shape, bootMs: { median: 1000, p90: 2000 } }];
const lab = { config: { type: "simulated", seed: 3, offers } };
const put = (name: string, body: unknown, key?: string) =>
  world.call("PUT", `/v1/sites/${name}`, { body, ...(key !== undefined && { key }) });

describe("PUT /v1/sites/{site}", () => {
  it("adds a site and answers with what it offers; what is unknown is absent", async () => {
    const answer = await put("lab", lab);
    assert.equal(answer.statusCode, 200, answer.body);
    const site = answer.json<SiteDetail>();
    assert.equal(site.health, "healthy");
    assert.deepEqual(
      site.offers.map(({ name }) => name),
      ["small"],
    );
    assert.ok(!("microsPerHour" in site.offers[0]!) && !("idleWatts" in site.offers[0]!));
  });

  it("keeps secrets sealed, and tells none of them to anyone", async () => {
    const secrets = { secretAccessKey: "hunter2hunter2" };
    const config = { type: "local", ...shape };
    const site = (await put("here", { config, secrets })).json<SiteDetail>();
    assert.equal(site.health, "unhealthy");
    assert.equal(site.reason, "AuthFailure: the credentials were not accepted");
    assert.deepEqual(site.offers, []);
    assert.deepEqual(site.secrets, ["secretAccessKey"]);
    const kept = world.space.get("site", "here")!;
    assert.ok(!JSON.stringify([kept, site]).includes("hunter2"));
    const opened = world.access.unseal(kept.spec.sealed!, "the site 'here'");
    assert.deepEqual(JSON.parse(opened), secrets);
    const changed = (await put("here", { config })).json<SiteDetail>();
    assert.deepEqual(changed.secrets, ["secretAccessKey"]);
  });

  it("refuses what it does not know, a changed revision, and who is not root", async () => {
    assert.equal((await put("lab", { config: { ...lab.config, prise: 3 } })).statusCode, 400);
    assert.equal((await put("Lab!", lab)).statusCode, 400);
    const headers = { "if-match": '"99"' };
    const stale = await world.call("PUT", "/v1/sites/lab", { body: lab, headers });
    assert.equal(stale.statusCode, 409);
    const body = { title: "t", role: "admin" };
    const { key } = (await world.call("POST", "/v1/keys", { body })).json<MadeKeyView>();
    assert.equal((await put("lab", lab, key)).statusCode, 403);
    const listed = await world.call("GET", "/v1/sites", { key });
    assert.deepEqual(
      listed.json<Page<SiteView>>().items.map(({ name }) => name),
      ["here", "lab"],
    );
  });
});

describe("DELETE /v1/sites/{site}", () => {
  it("keeps a site while it holds machines of this cloud", async () => {
    await put("held", lab);
    const [offer] = world.sites.offersOf("held");
    const order = (phase: "booting" | "released") =>
      world.space.commit((tx) => {
        const spec = { site: "held", offer: offer!, orderedAt: 1, askedBy: "root" };
        const status = { phase, since: 1 };
        tx.put<"order">({ kind: "order", project: "", name: "o1", spec, status });
      }).durable;
    await order("booting");
    const refused = await world.call("DELETE", "/v1/sites/held");
    assert.equal(refused.statusCode, 409);
    assert.match(refused.body, /holds machines: o1/);
    await order("released");
    assert.equal((await world.call("DELETE", "/v1/sites/held")).statusCode, 204);
    assert.equal((await world.call("GET", "/v1/sites/held")).statusCode, 404);
    assert.deepEqual(world.sites.offersOf("held"), []);
  });

  it("with release gives machines back, and goes with the last of them", async () => {
    await put("going", lab);
    const [offer] = world.sites.offersOf("going");
    const spec = { site: "going", offer: offer!, orderedAt: 1, askedBy: "root" };
    const status = { phase: "booting", since: 1 } as const;
    await world.space.commit((tx) => {
      tx.put<"order">({ kind: "order", project: "", name: "o2", spec, status });
    }).durable;
    assert.equal((await world.call("DELETE", "/v1/sites/going?release=true")).statusCode, 204);
    const order = world.space.get("order", "o2")!;
    assert.equal(order.status.phase, "releasing");
    const going = (await world.call("GET", "/v1/sites/going")).json<SiteDetail>();
    assert.deepEqual([going.health, going.reason], ["unhealthy", "it is being removed"]);
    assert.deepEqual(going.offers, []);
    world.space.commit((tx) =>
      tx.put<"order">({ ...order, status: { ...order.status, phase: "released" } }),
    );
    while (world.space.get("site", "going")) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await world.call("GET", "/v1/sites/going")).statusCode, 404);
  });
});
