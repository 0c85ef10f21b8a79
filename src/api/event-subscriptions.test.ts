import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { EventSubscriptionRecord } from "#/model/event-subscription.ts";
import { instanceEvents } from "#/model/instance-event.ts";
import type { EventSubscriptionView, InstanceView } from "#/model/instance-views.ts";
import type { Page } from "#/model/views.ts";
import { putImage, startHost, type TestHost } from "./testing/host.ts";
import { until } from "./testing/until.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
let host: TestHost;
let image: string;
const path = "/v1/event-subscriptions";

before(async () => {
  world = await startWorld();
  host = await startHost(world, await world.listen());
  image = await putImage(world);
  const body = { name: "mine", url: "https://example.org/events" };
  await world.call("POST", "/v1/webhooks", { body });
});
after(async () => {
  host.close();
  await world.stop();
});

const tell = (body: object, headers: Record<string, string> = {}) =>
  world.call("POST", path, { body: { webhook: "mine", ...body }, headers });
const listed = async (query = "") =>
  (await world.call("GET", path + query)).json<Page<EventSubscriptionView>>().items;

test("a launch is told to who is told of it, and to others not", async () => {
  const all = (await tell({})).json<EventSubscriptionView>();
  assert.deepEqual(all.events, instanceEvents);
  const some = { events: ["terminated", "running"], tags: { team: "a" } };
  assert.deepEqual((await tell(some)).json<EventSubscriptionView>().events, [
    "running",
    "terminated",
  ]);
  const body = { image, type: "c.nano" };
  const launched = await world.call("POST", "/v1/instances", { body });
  const { id } = launched.json<Page<InstanceView>>().items[0]!;
  const told = () =>
    [...world.space.list("notice", all.to)].map(
      ({ spec }) => (JSON.parse(spec.body) as { detail: { state: string } }).detail.state,
    );
  assert.equal(told()[0], "pending", "with the launch itself");
  await until("it is told to run", () => told().includes("running"));
  assert.deepEqual(told(), ["pending", "running"]);
  const ofIt = await tell({ instances: [id] });
  assert.deepEqual(ofIt.json<EventSubscriptionView>().instances, [id]);
  for (const one of await listed())
    assert.equal((await world.call("DELETE", `${path}/${one.id}`)).statusCode, 204);
  await world.call("DELETE", `/v1/instances/${id}`);
  assert.deepEqual(told(), ["pending", "running"]);
});

test("the same Idempotency-Key subscribes once", async () => {
  const headers = { "idempotency-key": "one" };
  const first = (await tell({}, headers)).json<EventSubscriptionView>();
  const again = (await tell({}, headers)).json<EventSubscriptionView>();
  assert.equal(again.id, first.id);
  assert.equal((await listed()).length, 1);
  await world.call("DELETE", `${path}/${first.id}`);
});

test("what cannot be told is refused by code and words", async () => {
  const refused = async (body: object) => {
    const answer = await world.call("POST", path, { body });
    return [answer.statusCode, answer.json<{ detail: string }>().detail] as const;
  };
  const [status, words] = await refused({});
  assert.equal(status, 400);
  assert.match(words, /one webhook or one queue must be named/);
  assert.equal((await refused({ webhook: "mine", queue: "mine" }))[0], 400);
  assert.equal((await refused({ webhook: "nobody" }))[0], 404);
  const unknown = await refused({ webhook: "mine", events: ["asleep"] });
  assert.equal(unknown[0], 400);
  assert.match(unknown[1], /events.*"pending"/);
  assert.equal((await refused({ webhook: "mine", instances: ["i-0123456789abcdef0"] }))[0], 404);
  assert.equal((await refused({ webhook: "mine", instances: ["web"] }))[0], 400);
  assert.equal((await world.call("DELETE", `${path}/e1`)).statusCode, 404);
});

test("a project sees, names and removes its own alone, and they go with it", async () => {
  await world.call("POST", "/v1/projects", { body: { name: "other", title: "Other" } });
  const own = (await tell({})).json<EventSubscriptionView>();
  assert.deepEqual(await listed("?project=other"), []);
  const remove = await world.call("DELETE", `${path}/${own.id}?project=other`);
  assert.equal(remove.statusCode, 404);
  const theirs = await world.call("POST", `${path}?project=other`, { body: { webhook: "mine" } });
  assert.equal(theirs.statusCode, 404, "the webhook is not theirs");
  const webhook = { name: "theirs", url: "https://example.org" };
  await world.call("POST", "/v1/webhooks?project=other", { body: webhook });
  await world.call("POST", `${path}?project=other`, { body: { webhook: "theirs" } });
  assert.equal((await listed("?project=other")).length, 1);
  await world.call("DELETE", "/v1/projects/other");
  assert.equal([...world.space.all("event-subscription")].length, 1);
  await world.call("DELETE", `${path}/${own.id}`);
});

test("a user subscribes where the policies allow it", async () => {
  await world.space.commit((tx) => {
    const document = (Action: string) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action, Resource: "*" }],
      });
    for (const [name, action] of [
      ["ann", "canopy:CreateEventSubscription"],
      ["bob", "canopy:ListEventSubscriptions"],
    ] as const)
      tx.put<"iam-user">({
        kind: "iam-user",
        project: "default",
        name: `default/${name}`,
        spec: {
          createdAt: 0,
          path: "/",
          attached: [],
          id: `AIDA${name}`,
          name,
          groups: [],
          inline: { p: document(action) },
        },
        status: {},
      });
  }).durable;
  const statuses = async (user: string) => {
    const made = await world.call("POST", "/v1/keys", { body: { title: user, user } });
    const { key } = made.json<{ key: string }>();
    const body = { webhook: "mine" };
    const answers = [
      await world.call("POST", path, { key, body }),
      await world.call("GET", path, { key }),
    ];
    return answers.map(({ statusCode }) => statusCode);
  };
  assert.deepEqual(await statuses("ann"), [201, 403]);
  assert.deepEqual(await statuses("bob"), [403, 200]);
});

test("a project has so many subscriptions at most", async () => {
  const [{ spec }] = [...world.space.all("event-subscription")] as [EventSubscriptionRecord];
  world.space.commit((tx) => {
    for (let index = 1; index < limits.eventSubscriptionsMax; index++)
      tx.put<"event-subscription">({
        kind: "event-subscription",
        project: "default",
        name: `default/e${index}`,
        spec,
        status: {},
      });
  });
  const answer = await tell({});
  assert.equal(answer.json<{ code: string }>().code, "limited", answer.body);
});
