import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { KmsKeys } from "#/access/kms/keys.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { VolumeKeys } from "#/instances/volume-keys.ts";
import { Volumes } from "#/instances/volumes.ts";
import type { InstanceTypeView, InstanceView } from "#/model/instance-views.ts";
import { kmsKeyArn } from "#/model/kms.ts";
import type { Page, WhyView } from "#/model/views.ts";
import { putImage, startHost, type TestHost } from "./testing/host.ts";
import { until } from "./testing/until.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
let host: TestHost;
let image: string;
let url: string;
before(async () => {
  world = await startWorld();
  url = await world.listen();
  host = await startHost(world, url);
  image = await putImage(world);
});
after(async () => {
  host.close();
  await world.stop();
});

const launch = async (body: object, headers?: Record<string, string>) =>
  world.call("POST", "/v1/instances", { body: { image, ...body }, ...(headers && { headers }) });
const read = async (id: string) =>
  (await world.call("GET", `/v1/instances/${id}`)).json<InstanceView>();

async function reaches(id: string, state: InstanceView["state"]): Promise<InstanceView> {
  let view = await read(id);
  await until(`${id} is ${state}`, async () => (view = await read(id)).state === state);
  return view;
}

test("an instance is launched, runs, is stopped, started, rebooted and terminated", async () => {
  const launched = await launch({ name: "web", type: "c.micro", tags: { team: "a" } });
  assert.equal(launched.statusCode, 201, launched.body);
  const [made] = launched.json<Page<InstanceView>>().items;
  assert.partialDeepStrictEqual(made, {
    name: "web",
    type: "c.micro",
    kind: "container",
    state: "pending",
    machine: host.machine,
    tags: { Name: "web", team: "a" },
    perHour: "0.00264",
  });
  const path = `/v1/instances/${made!.id}`;
  const { publicIp, startedAt } = await reaches(made!.id, "running");
  assert.deepEqual([publicIp, startedAt], ["192.0.2.7", "2030-03-17T17:46:40.000Z"]);
  assert.equal((await world.call("POST", `${path}/stop`)).json<InstanceView>().state, "stopping");
  const { reason } = await reaches(made!.id, "stopped");
  assert.equal(reason!.code, "Client.UserInitiatedShutdown");
  const refused = await world.call("POST", `${path}/reboot`);
  assert.equal(refused.statusCode, 409, refused.body);
  assert.match(refused.json<{ detail: string }>().detail, /it is stopped/);
  assert.equal((await world.call("POST", `${path}/start`)).statusCode, 200);
  await reaches(made!.id, "running");
  assert.equal((await world.call("POST", `${path}/reboot`)).statusCode, 200);
  assert.equal((await world.call("DELETE", path)).json<InstanceView>().state, "shutting-down");
  await reaches(made!.id, "terminated");
});

test("the same Idempotency-Key launches once, and is refused with another request", async () => {
  const headers = { "idempotency-key": "once" };
  const first = (await launch({ count: 2 }, headers)).json<Page<InstanceView>>();
  const again = (await launch({ count: 2 }, headers)).json<Page<InstanceView>>();
  assert.deepEqual(
    again.items.map(({ id }) => id),
    first.items.map(({ id }) => id),
  );
  assert.equal(first.items.length, 2);
  assert.equal((await launch({ count: 3 }, headers)).statusCode, 409);
  for (const { id } of first.items) await world.call("DELETE", `/v1/instances/${id}`);
});

test("instances are listed by pages, and by state, type and tag", async () => {
  const made = (await launch({ count: 3, type: "u.nano", tags: { of: "pages" } })).json<
    Page<InstanceView>
  >();
  const ids = made.items.map(({ id }) => id);
  const listed: string[] = [];
  let cursor: string | undefined;
  do {
    const query: string = `tag=of=pages&limit=2${cursor ? `&cursor=${cursor}` : ""}`;
    const answer = await world.call("GET", `/v1/instances?${query}`);
    const page = answer.json<Page<InstanceView>>();
    listed.push(...page.items.map(({ id }) => id));
    cursor = page.next;
  } while (cursor !== undefined);
  assert.deepEqual(listed, ids);
  const count = async (query: string) =>
    (await world.call("GET", `/v1/instances?${query}`)).json<Page<InstanceView>>().items.length;
  await world.call("POST", `/v1/instances/${ids[0]}/stop`);
  await reaches(ids[0]!, "stopped");
  assert.equal(await count("type=u.nano&state=stopped"), 1);
  assert.equal(await count("type=u.nano&state=stopped,running,pending"), 3);
  assert.equal(await count("tag=of=others"), 0);
  assert.equal((await world.call("GET", "/v1/instances?state=asleep")).statusCode, 400);
  assert.equal((await world.call("GET", "/v1/instances?cursor=x")).statusCode, 400);
  for (const id of ids) await world.call("DELETE", `/v1/instances/${id}`);
});

test("the console is what its machine answers, and the screenshot its bytes", async () => {
  const [made] = (await launch({})).json<Page<InstanceView>>().items;
  const path = `/v1/instances/${made!.id}`;
  host.answer = ({ type }) =>
    type === "console"
      ? { content: Buffer.from("booted\n").toString("base64") }
      : { error: "a container has no display" };
  assert.equal((await world.call("GET", `${path}/console`)).body, "booted\n");
  const none = await world.call("GET", `${path}/screenshot`);
  assert.equal(none.statusCode, 404);
  assert.match(none.body, /a container has no display/);
  await world.call("DELETE", path);
});

test("ports that are asked for are open to everyone, by one group for the same ones", async () => {
  const groupsOf = async (ports: string[]) =>
    (await launch({ ports })).json<Page<InstanceView>>().items[0]!.groups;
  const [, own] = await groupsOf(["22", "8000-8010"]);
  const { ingress } = world.space.get("security-group", own!)!.spec;
  assert.deepEqual(
    ingress.map(({ protocol, from, to, cidr }) => [protocol, from, to, cidr]),
    [
      ["tcp", 22, 22, "0.0.0.0/0"],
      ["tcp", 8000, 8010, "0.0.0.0/0"],
    ],
  );
  assert.equal((await groupsOf(["8000-8010", "22"]))[1], own);
  const groups = [...world.space.all("security-group")].length;
  const refused = await launch({ ports: ["9000"], placement: { machine: "nowhere" } });
  assert.equal(refused.json<{ code: string }>().code, "no-capacity");
  assert.equal([...world.space.all("security-group")].length, groups, "a refused launch made one");
  assert.equal((await launch({ ports: ["80-22"] })).statusCode, 400);
  assert.equal((await launch({ ports: ["http"] })).statusCode, 400);
});

test("a port of the machine is published once, and who else wants it is told who has it", async () => {
  const [made] = (await launch({ publish: ["8080:80"] })).json<Page<InstanceView>>().items;
  const path = `/v1/instances/${made!.id}`;
  assert.deepEqual(made!.published, { 80: 8080 });
  const { ingress } = world.space.get("security-group", made!.groups[1]!)!.spec;
  assert.partialDeepStrictEqual(ingress, [{ from: 80, to: 80, cidr: "0.0.0.0/0" }]);
  const ordered = () => host.orders.instances.find(({ instance }) => instance === made!.id);
  assert.deepEqual((await reaches(made!.id, "running")).published, { 80: 8080 });
  assert.deepEqual(ordered()!.network.published, { 80: 8080 });
  const second = { publish: ["8080:8000"] };
  const refused = await launch(second);
  assert.equal(refused.statusCode, 503);
  assert.match(refused.body, new RegExp(`gave its port 8080 to ${made!.id}`));
  await world.call("POST", `${path}/stop`);
  await reaches(made!.id, "stopped");
  const [other] = (await launch(second)).json<Page<InstanceView>>().items;
  const { explanations } = (await world.call("GET", `${path}/why`)).json<WhyView>();
  const inWay = explanations.find(({ sentence }) => sentence.includes("port 8080"));
  assert.match(inWay!.sentence, new RegExp(`gave its port 8080 to ${other!.id}`));
  assert.equal((await world.call("POST", `${path}/start`)).statusCode, 503);
  await world.call("DELETE", `/v1/instances/${other!.id}`);
  await reaches(other!.id, "terminated");
  assert.equal((await world.call("POST", `${path}/start`)).statusCode, 200);
  await world.call("DELETE", path);
  const wrong = async (...publish: string[]) => (await launch({ publish })).statusCode;
  assert.deepEqual(
    [
      await wrong("80"),
      await wrong("8080:80/udp"),
      await wrong("0:80"),
      await wrong("8080:65536"),
      await wrong("20417:80"),
      await wrong("8080:80", "8081:80"),
      await wrong("8080:80", "8080:81"),
    ],
    Array(7).fill(400),
  );
  const hidden = await launch({ publish: ["8080:80"], hasPublicAddress: false });
  assert.match(hidden.body, /is to have no public address/);
});

test("types tell what they have, cost, and have room for", async () => {
  const { items } = (await world.call("GET", "/v1/instance-types?kind=vm")).json<{
    items: InstanceTypeView[];
  }>();
  assert.ok(items.every(({ kind }) => kind === "vm"));
  const named = (name: string) => items.find((one) => one.name === name)!;
  assert.partialDeepStrictEqual(named("v.large"), { vcpus: 2, holdsCpus: 2, currency: "USD" });
  assert.ok(named("v.nano").room > named("v.large").room);
  assert.equal(named("v.8xlarge").room, 0);
});

test("what is not there, not to be had or not one's own is told by code and words", async () => {
  const codeOf = async (body: object) => {
    const answer = await launch(body);
    return [answer.statusCode, answer.json<{ detail: string }>().detail] as const;
  };
  assert.deepEqual((await codeOf({ image: "ami-0123456789abcdef0" }))[0], 404);
  assert.deepEqual((await codeOf({ image: "nothing" }))[0], 404);
  assert.deepEqual((await codeOf({ type: "c.huge" }))[0], 400);
  assert.deepEqual((await codeOf({ type: "v.small" }))[0], 400);
  assert.deepEqual((await codeOf({ keyName: "none" }))[0], 404);
  assert.deepEqual((await codeOf({ userData: "A".repeat(23_000) }))[0], 400);
  assert.deepEqual((await codeOf({ tags: { "aws:own": "x" } }))[0], 400);
  const [status, detail] = await codeOf({ type: "c.8xlarge" });
  assert.equal(status, 503);
  assert.match(detail, new RegExp(`${host.machine}.* memory`));
  const [made] = (await launch({})).json<Page<InstanceView>>().items;
  await world.call("POST", "/v1/projects", { body: { name: "other", title: "Other" } });
  for (const [method, path] of [
    ["GET", ""],
    ["GET", "/console"],
    ["POST", "/stop"],
    ["DELETE", ""],
  ] as const) {
    const answer = await world.call(method, `/v1/instances/${made!.id}${path}?project=other`);
    assert.equal(answer.statusCode, 404, answer.body);
  }
});

test("why tells why it is where it is, why it stopped, and whether it could be started", async () => {
  const [made] = (await launch({ type: "c.large" })).json<Page<InstanceView>>().items;
  const path = `/v1/instances/${made!.id}`;
  const why = async () => (await world.call("GET", `${path}/why`)).json<WhyView>();
  await reaches(made!.id, "running");
  const runs = await why();
  assert.equal(runs.phase, "running");
  assert.equal(runs.explanations[0]!.machine, host.machine);
  assert.match(runs.explanations[0]!.sentence, /the only machine that it fits, and began to run/);
  await world.call("POST", `${path}/stop`);
  await reaches(made!.id, "stopped");
  const sentences = (await why()).explanations.map(({ sentence }) => sentence);
  assert.match(sentences[0]!, /User initiated shutdown \(Client.UserInitiatedShutdown\)/);
  assert.equal(sentences[1], "it could be started now");
  await world.call("PATCH", `/v1/machines/${host.machine}`, { body: { cordoned: true } });
  const [, blocked] = (await why()).explanations;
  assert.match(blocked!.sentence, /is cordoned/);
  assert.equal(blocked!.advice, `canopy machines uncordon ${host.machine}`);
  await world.call("PATCH", `/v1/machines/${host.machine}`, { body: { cordoned: false } });
  await world.call("DELETE", path);
});

test("why tells of a machine that is away, and of one that has not answered yet", async () => {
  const mute = await startHost(world, url, { isMute: true, cpus: 8 });
  const asked = { placement: { machine: mute.machine } };
  const [made] = (await launch(asked)).json<Page<InstanceView>>().items;
  const why = async () =>
    (await world.call("GET", `/v1/instances/${made!.id}/why`)).json<WhyView>().explanations;
  assert.match((await why())[1]!.sentence, /was told of it .* ago, and has not said/);
  mute.close();
  const isAway = async () =>
    (await why()).some(
      ({ sentence }) => sentence === "the machine that starts it is not connected",
    );
  await until("the machine is seen to be away", isAway);
  await world.call("DELETE", `/v1/instances/${made!.id}`);
  const other = await launch({ ...asked, type: "c.nano" });
  assert.equal(other.statusCode, 503);
  assert.match(other.body, /is not connected/);
});

test("why of a type tells machine by machine for how many there is room, or why for none", async () => {
  const why = async (type: string) =>
    (await world.call("GET", `/v1/instance-types/${type}/why`)).json<WhyView>();
  const room = await why("v.nano");
  assert.equal(room.phase, "available");
  assert.match(room.explanations[0]!.sentence, /has room for \d+ more/);
  const full = await why("v.8xlarge");
  assert.equal(full.phase, "full");
  assert.match(full.explanations[0]!.flip!, /of memory|more given free/);
  const unknown = await world.call("GET", "/v1/instance-types/v.hug/why");
  assert.equal(unknown.statusCode, 404);
});

test("a user does to instances what the policies allow, and passes on the roles that they name", async () => {
  const { space } = world;
  const allow = (Action: string | string[], Resource: string) => ({
    Effect: "Allow",
    Action,
    Resource,
  });
  const put = (statement: object[]) =>
    space.commit((tx) => {
      const document = JSON.stringify({ Version: "2012-10-17", Statement: statement });
      const entity = { createdAt: 0, path: "/", attached: [], inline: {} };
      const ann = tx.get("iam-user", "default/ann");
      tx.put<"iam-user">({
        kind: "iam-user",
        project: "default",
        name: "default/ann",
        spec: { ...entity, id: "AIDA1", name: "ann", groups: [], inline: { p: document } },
        status: {},
        ...(ann && { revision: ann.revision, serial: ann.serial }),
      });
      if (ann) return;
      tx.put<"iam-role">({
        kind: "iam-role",
        project: "default",
        name: "default/worker",
        spec: { ...entity, id: "AROA1", name: "worker", trust: "{}", sessionSecondsMax: 3600 },
        status: {},
      });
      tx.put<"iam-instance-profile">({
        kind: "iam-instance-profile",
        project: "default",
        name: "default/worker",
        spec: { id: "AIPA1", name: "worker", path: "/", createdAt: 0, role: "worker" },
        status: {},
      });
    }).durable;
  await put([allow("canopy:List*", "*")]);
  const made = await world.call("POST", "/v1/keys", { body: { title: "ann's", user: "ann" } });
  const { key } = made.json<{ key: string }>();
  const body = { image, type: "c.nano" };
  const status = async (method: "POST" | "DELETE", path: string, more?: object) =>
    (await world.call(method, path, { key, ...(more && { body: more }) })).statusCode;
  assert.equal(await status("POST", "/v1/instances", body), 403);
  await put([allow("canopy:CreateInstance", "*")]);
  assert.equal(await status("POST", "/v1/instances", body), 201);
  assert.equal(await status("POST", "/v1/instances", { ...body, profile: "worker" }), 403);
  await put([
    allow("canopy:CreateInstance", "*"),
    allow("iam:PassRole", "arn:aws:iam::*:role/worker"),
  ]);
  assert.equal(await status("POST", "/v1/instances", { ...body, profile: "worker" }), 201);
  const { items } = (await world.call("GET", "/v1/instances?type=c.nano")).json<
    Page<InstanceView>
  >();
  assert.equal(await status("DELETE", `/v1/instances/${items.at(-1)!.id}`), 403);
  await put([allow("canopy:RemoveInstance", "arn:aws:canopy::*:instances/*")]);
  assert.equal(await status("DELETE", `/v1/instances/${items.at(-1)!.id}`), 200);
});

test("a spot instance is launched at the price of the moment, which it may not be over", async () => {
  const answer = await launch({ name: "cheap", type: "c.micro", spot: {}, ports: ["8080"] });
  assert.equal(answer.statusCode, 201, answer.body);
  const [made] = answer.json<Page<InstanceView>>().items;
  assert.equal(made!.isSpot, true);
  const { market, network } = world.space.get("instance", made!.id)!.spec;
  const request = world.space.get("spot-request", market!.request)!;
  assert.deepEqual([request.spec.type, request.status.instance], ["one-time", made!.id]);
  assert.ok(network.groups.length > 1, "its port is opened");
  const lasting = { type: "c.micro", spot: { onInterruption: "stop", maxMicrosPerHour: 2000 } };
  const [stays] = (await launch(lasting)).json<Page<InstanceView>>().items;
  const of = world.space.get("instance", stays!.id)!.spec.market!;
  assert.deepEqual([of.onInterruption, of.maxMicrosPerHour], ["stop", 2000]);
  assert.equal(world.space.get("spot-request", of.request)!.spec.type, "persistent");
  const poor = await launch({ type: "c.micro", spot: { maxMicrosPerHour: 1 } });
  assert.equal(poor.statusCode, 400, poor.body);
  assert.match(poor.body, /lower than the minimum required Spot request fulfillment price/);
});

test("a project that has instances, images or volumes is not removed; its networks go with it", async () => {
  await world.call("POST", "/v1/projects", { body: { name: "brief", title: "Brief" } });
  const own = await putImage(world, "brief", "brief");
  const call = (method: "POST" | "DELETE", path: string, body?: object) =>
    world.call(method, `/v1/${path}?project=brief`, { ...(body && { body }) });
  const removed = async () => {
    const answer = await world.call("DELETE", "/v1/projects/brief");
    return answer.statusCode === 204 ? "gone" : answer.json<{ detail: string }>().detail;
  };
  const [made] = (await call("POST", "instances", { image: own })).json<Page<InstanceView>>().items;
  assert.match(await removed(), new RegExp(`: instance '${made!.id}'`));
  await call("DELETE", `instances/${made!.id}`);
  await until(
    "the instance is terminated",
    () => world.space.get("instance", made!.id)?.status.state === "terminated",
  );
  const volume = (await call("POST", "volumes", { sizeBytes: 2 ** 30 })).json<{ id: string }>();
  assert.match(await removed(), new RegExp(`: image '${own}'`));
  await call("DELETE", `images/${own}`);
  assert.match(await removed(), new RegExp(`: volume '${volume.id}'`));
  await call("DELETE", `volumes/${volume.id}`);
  assert.ok([...world.space.all("subnet")].some(({ project }) => project === "brief"));
  assert.equal(await removed(), "gone");
  assert.ok(![...world.space.all("subnet")].some(({ project }) => project === "brief"));
});

test("a project whose KMS key seals another project's volume or snapshot is not removed", async () => {
  const { space, access: sealer } = world;
  await world.call("POST", "/v1/projects", { body: { name: "keys", title: "Keys" } });
  const parts = { space, sealer, clock: nodeClock, random: nodeRandom };
  const kms = new KmsKeys(parts);
  const volumes = new Volumes({ ...parts, keys: new VolumeKeys({ sealer, kms }) });
  const about = { accountId: "111122223333", description: "", policy: "{}" };
  const key = space.commit((tx) => kms.create(tx, "keys", { ...about, manager: "CUSTOMER" })).value;
  const kmsKeyId = kmsKeyArn(key.spec, "us-east-1");
  const asked = { type: "gp3", isEncrypted: true, zone: "us-east-1a", tags: {} } as const;
  const volume = volumes.create("default", { ...asked, sizeBytes: 2 ** 30, kmsKeyId });
  const snapshot = space.commit((tx) => {
    const used = tx.put<"volume">({ ...volume, status: { ...volume.status, machine: "m" } });
    return volumes.snapshotIn(tx, used, { description: "", tags: {} });
  }).value;
  const removed = async () => {
    const answer = await world.call("DELETE", "/v1/projects/keys");
    return answer.statusCode === 204 ? "gone" : answer.json<{ detail: string }>().detail;
  };
  assert.match(await removed(), new RegExp(`the volume '${volume.name}' of the project 'default'`));
  space.commit((tx) => tx.delete("volume", volume.name));
  assert.match(await removed(), new RegExp(`the snapshot '${snapshot.name}' of the project`));
  assert.ok(space.get("kms-key", key.name));
  space.commit((tx) => tx.delete("snapshot", snapshot.name));
  assert.equal(await removed(), "gone");
  assert.equal(space.get("kms-key", key.name), undefined);
});
