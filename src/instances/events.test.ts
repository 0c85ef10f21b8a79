import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { EventSubscriptionSpec } from "#/model/event-subscription.ts";
import { instanceEvents } from "#/model/instance-event.ts";
import type { InstanceRecord, InstanceState } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { archiveEndedInstances } from "./ended-instances.ts";
import { tellInstanceEvents } from "./events.ts";
import { giveNotice, takeAway } from "./spot-notice.ts";
import { Estate } from "./testing/estate.ts";

const { random } = nodeHost(silent);
const place = "arn:canopy:webhook:us-east-1:111122223333:mine";

/** A cloud that tells, with a project of that name. */
async function telling(): Promise<Estate> {
  const estate = await Estate.make([["s"]]);
  const { space, clock } = estate;
  tellInstanceEvents({ space, clock, random, region: "us-east-1" });
  for (const name of ["p", "other"])
    space.commit((tx) =>
      tx.put<"project">({
        kind: "project",
        project: name,
        name,
        spec: { title: name, createdAt: 0, weight: 1 },
        status: {},
      }),
    );
  return estate;
}

function subscribe(space: Space, id: string, spec: Partial<EventSubscriptionSpec> = {}): void {
  space.commit((tx) =>
    tx.put<"event-subscription">({
      kind: "event-subscription",
      project: "p",
      name: `p/${id}`,
      spec: { to: place, events: instanceEvents, createdAt: 0, ...spec },
      status: {},
    }),
  );
}

interface Event {
  id: string;
  "detail-type": string;
  resources: string[];
  detail: { "instance-id": string; state?: string; "instance-action"?: string };
}
const toldTo = (space: Space, to = place) =>
  [...space.list("notice", to)].map(({ spec }) => JSON.parse(spec.body) as Event);
const wordsOf = (events: readonly Event[]) =>
  events.map(({ detail }) => detail.state ?? `to ${detail["instance-action"]}`);

test("subscriptions to certain instances end with the last of these, an hour after it was terminated", async () => {
  const estate = await telling();
  const { space, clock } = estate;
  const to = (...instances: string[]) => ({ instances });
  subscribe(space, "one", to("i-1"));
  subscribe(space, "both", to("i-1", "i-2"));
  subscribe(space, "all");
  for (const name of ["i-1", "i-2"]) estate.launch(name, "m0");
  await estate.pass(5);
  space.commit((tx) => {
    const { spec, ...record } = tx.get("instance", "i-1")!;
    tx.put<"instance">({ ...record, spec: { ...spec, wanted: "terminated" } });
  });
  await estate.pass(10);
  const left = () =>
    [...space.all("event-subscription")].map(({ name, spec }) => [name, spec.instances]);
  archiveEndedInstances({ space, clock });
  assert.equal(left().length, 3, "it is told of for an hour");
  const later = { now: () => clock.now() + limits.terminatedKeptMs };
  archiveEndedInstances({ space, clock: later });
  assert.equal(space.get("instance", "i-1"), undefined);
  assert.deepEqual(left(), [
    ["p/both", ["i-2"]],
    ["p/all", undefined],
  ]);
  assert.ok(toldTo(space).length > 0, "what happened is still told");
});

test("what becomes of an instance is told in EventBridge's words, in order", async () => {
  const estate = await telling();
  const { space, clock } = estate;
  subscribe(space, "all");
  estate.launch("i-1", "m0");
  await estate.pass(5);
  space.commit((tx) => {
    const { spec, ...record } = tx.get("instance", "i-1")!;
    tx.put<"instance">({ ...record, spec: { ...spec, wanted: "terminated" } });
  });
  await estate.pass(10);
  const told = toldTo(space);
  assert.deepEqual(wordsOf(told), ["pending", "running", "terminated"]);
  assert.equal(new Set(told.map(({ id }) => id)).size, 3);
  const { id, ...event } = told[0]! as Event & { account: string; time: string };
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.match(event.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(Date.parse(event.time) <= clock.now());
  assert.match(event.account, /^\d{12}$/);
  assert.partialDeepStrictEqual(event, {
    version: "0",
    source: "aws.ec2",
    region: "us-east-1",
    "detail-type": "EC2 Instance State-change Notification",
    resources: [`arn:aws:ec2:us-east-1:${event.account}:instance/i-1`],
    detail: { "instance-id": "i-1", state: "pending" },
  });
});

test("a spot instance's interruption is told before it is taken, once, with what becomes of it", async () => {
  const estate = await telling();
  const { space, clock } = estate;
  estate.launch("i-1", "m0");
  await estate.pass(5);
  subscribe(space, "all");
  const change = (act: (instance: InstanceRecord) => InstanceRecord) =>
    space.commit((tx) => tx.put<"instance">(act(tx.get("instance", "i-1")!)));
  const market = { type: "spot", request: "sir-1", maxMicrosPerHour: 1 } as const;
  change((one) => ({
    ...one,
    spec: { ...one.spec, market: { ...market, onInterruption: "stop" } },
  }));
  const now = clock.now();
  const notice = { now, cause: "price", why: "it costs too much" } as const;
  space.commit((tx) => giveNotice(tx, tx.get("instance", "i-1")!, notice));
  change((one) => ({ ...one, spec: { ...one.spec, reboots: 1 } }));
  space.commit((tx) => takeAway(tx, tx.get("instance", "i-1")!, now));
  const told = toldTo(space);
  assert.deepEqual(wordsOf(told), ["to stop", "stopping"]);
  assert.equal(told[0]!["detail-type"], "EC2 Spot Instance Interruption Warning");
  assert.match(told[0]!.resources[0]!, /^arn:aws:ec2:us-east-1:instance\/i-1$/);
});

test("a change that is refused is not told, and those of others' instances never are", async () => {
  const { space } = await telling();
  subscribe(space, "all");
  const put = (project: string, name: string) =>
    space.commit((tx) => {
      tx.put<"instance">({ ...instanceOf(name, "pending"), project });
      if (name === "i-2") throw new Error("no");
    });
  put("other", "i-1");
  assert.throws(() => put("p", "i-2"), /no/);
  assert.deepEqual(toldTo(space), []);
  put("p", "i-3");
  assert.equal(toldTo(space).length, 1);
});

test("while too much waits for a place its subscription counts what it misses, and no change waits", async () => {
  const { space } = await telling();
  subscribe(space, "all");
  space.commit((tx) => {
    for (let index = 0; index < limits.eventsWaitingMax; index++)
      tx.put<"notice">({
        kind: "notice",
        project: "p",
        name: `${place}/n${index}`,
        spec: { to: place, body: "", at: 0 },
        status: {},
      });
  });
  for (const name of ["i-1", "i-2"])
    space.commit((tx) => tx.put<"instance">(instanceOf(name, "pending")));
  assert.equal(space.count("notice", place), limits.eventsWaitingMax);
  assert.equal(space.get("event-subscription", "p/all")!.status.missed!.count, 2);
  assert.equal(space.get("instance", "i-2")!.status.state, "pending");
});

const states = instanceEvents.filter((event) => event !== "interruption") as InstanceState[];

function instanceOf(name: string, state: InstanceState, tags: Record<string, string> = {}) {
  return {
    kind: "instance",
    project: "p",
    name,
    spec: { network: { subnet: "subnet-1" }, tags } as unknown as InstanceRecord["spec"],
    status: { state, since: 0, fence: 1 },
  } as const;
}

const subscriptions = fc.array(
  fc.record({
    events: fc.subarray([...instanceEvents], { minLength: 1 }),
    instances: fc.option(fc.subarray(["i-0", "i-1", "i-2"], { minLength: 1 }), { nil: undefined }),
    team: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
  }),
  { maxLength: 4 },
);
const commits = fc.array(
  fc.array(
    fc.record({ instance: fc.nat(2), state: fc.constantFrom(...states), isWarned: fc.boolean() }),
    { minLength: 1, maxLength: 3 },
  ),
  { maxLength: 12 },
);

test("each change that is committed is told to each subscription that is about it, and nothing else is", async () => {
  await fc.assert(
    fc.asyncProperty(subscriptions, commits, async (asked, changes) => {
      const { space } = await telling();
      for (const [index, { events, instances, team }] of asked.entries())
        subscribe(space, `${index}`, {
          to: `${place}-${index}`,
          events,
          ...(instances && { instances }),
          ...(team !== undefined && { tags: { team } }),
        });
      // What was so at the end of each commit, of which that which differs is to be told.
      const now = new Map<string, { state?: string; isWarned: boolean }>();
      const expected = asked.map((): string[] => []);
      for (const commit of changes) {
        const after = new Map(commit.map((one) => [`i-${one.instance}`, one]));
        space.commit((tx) => {
          for (const { instance, state, isWarned } of commit) {
            const made = instanceOf(`i-${instance}`, state, { team: instance === 0 ? "a" : "b" });
            const status = { ...made.status, ...(isWarned && { interruptionAt: 1 }) };
            tx.put<"instance">({ ...made, status });
          }
        });
        for (const [name, { state, isWarned }] of after) {
          const before = now.get(name) ?? { isWarned: false };
          now.set(name, { state, isWarned });
          const happened: string[] = [
            ...(isWarned && !before.isWarned ? ["interruption"] : []),
            ...(state === before.state ? [] : [state]),
          ];
          for (const [index, { events, instances, team }] of asked.entries())
            for (const event of happened) {
              const isOf = instances?.includes(name) ?? true;
              const isTeams = team === undefined || (name === "i-0") === (team === "a");
              if (isOf && isTeams && events.some((one) => one === event))
                expected[index]!.push(`${name} ${event}`);
            }
        }
      }
      const told = asked.map((_, index) =>
        toldTo(space, `${place}-${index}`).map(
          ({ detail }) => `${detail["instance-id"]} ${detail.state ?? "interruption"}`,
        ),
      );
      assert.deepEqual(told, expected);
    }),
    { numRuns: 60 },
  );
});
