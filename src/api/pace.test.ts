import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FailingKeys } from "#/autonomic/healing/failing-keys.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { KeyRecord } from "#/model/access.ts";
import type { JobView, KeyView, MadeKeyView, Page, ProblemView, WhyView } from "#/model/views.ts";
import { standsAlone } from "#/space/leadership.ts";
import { Pace } from "./pace.ts";
import { listStep, startWorld, submitJob, type World } from "./testing/world.ts";

const caller = { name: "default/k1", project: "default", role: "submitter" } as const;
const isLimited = { code: "limited" };

/** A key that may begin one job, and no other for an hour. */
async function slowedKey(world: World): Promise<string> {
  const body = { title: "slowed", role: "submitter" };
  const { name, key } = (await world.call("POST", "/v1/keys", { body })).json<MadeKeyView>();
  world.space.commit((tx) => {
    const record = tx.get("key", `default/${name}`)!;
    const slowed = { since: 0, everyMs: 3_600_000, reason: "its last 20 jobs failed" };
    tx.put<"key">({ ...record, status: { ...record.status, slowed } });
  });
  return key;
}

describe("Pace", () => {
  const standing = { ...standsAlone({} as never, () => ""), isLeading: false };
  const paceOf = (records: Record<string, object> = {}) => {
    const clock = new ManualClock();
    const space = {
      get: (_kind: string, name: string) => records[name],
      commit: () => assert.fail("it does not lead"),
    };
    return { clock, pace: new Pace({ clock, log: silent, space: space as never, standing }) };
  };

  it("takes so many changes of a key at once, and then one more each limits.callMs", async () => {
    const { clock, pace } = paceOf();
    for (let call = 0; call < limits.callsMax; call++) pace.keep(caller);
    assert.throws(() => pace.keep(caller), isLimited);
    assert.ok(pace.isFlooding(caller.name));
    pace.keep({ ...caller, name: "default/k2" });
    await clock.advance(limits.callMs);
    pace.keep(caller);
    assert.throws(() => pace.keep(caller), isLimited);
    await clock.advance(limits.callsMax * limits.callMs);
    assert.ok(!pace.isFlooding(caller.name));
    for (let call = 0; call < limits.callsMax; call++) pace.keep(caller);
    assert.ok(
      !pace.isFlooding(caller.name),
      "what is allowed is no flood, also of who has flooded",
    );
  });

  it("counts what the code of a key's jobs asks for as the key's, and nothing of root and agents", () => {
    const { pace } = paceOf({
      j1: { spec: { submittedBy: caller.name } },
      j2: { spec: { submittedBy: "root" } },
    });
    const jobs = ["j1", "j2"].map((job) => ({ ...caller, name: `job ${job}`, job }));
    for (let call = 0; call < limits.callsMax; call++) {
      for (const job of jobs) pace.keep(job);
      pace.keep({ ...caller, name: "root", role: "root" });
      pace.keep({ ...caller, name: "m1", machine: "m1" });
    }
    assert.throws(() => pace.keep(caller), isLimited);
    assert.throws(() => pace.keep(jobs[0]!), isLimited);
    pace.keep(jobs[1]!);
  });

  it("lets a key that its record says is slowed begin a job now and then, and make other changes", async () => {
    const slowed = { since: 0, everyMs: 5000, reason: "its last 20 jobs failed" };
    const { clock, pace } = paceOf({ [caller.name]: { status: { slowed } } });
    pace.requireTurn(caller);
    pace.takeTurn(caller);
    for (const refused of [() => pace.requireTurn(caller), () => pace.takeTurn(caller)])
      assert.throws(refused, { ...isLimited, retryAfterMs: 5000 });
    pace.keep(caller);
    await clock.advance(5000);
    pace.takeTurn(caller);
    assert.throws(() => pace.takeTurn(caller), isLimited);
  });
});

describe("a key whose every job fails", () => {
  let world: World;
  let clock: ManualClock;
  let made: MadeKeyView;
  let keys: FailingKeys;
  const name = () => `default/${made.name}`;
  const record = () => world.space.get("key", name())!;
  before(async () => {
    world = await startWorld();
    clock = new ManualClock();
    const body = { title: "nightly script", role: "submitter" };
    made = (await world.call("POST", "/v1/keys", { body })).json<MadeKeyView>();
    keys = new FailingKeys({ space: world.space, clock, log: silent });
  });
  after(async () => {
    keys.stop();
    await world.stop();
  });

  /** A job of the key that ends so. */
  let jobs = 0;
  async function ended(phase: "failed" | "succeeded" | "cancelled"): Promise<void> {
    const id = `j${++jobs}`;
    const spec = { title: "t", submittedBy: name(), submittedAt: 0, priority: 0 } as const;
    const of = { kind: "job", project: "default", name: id, spec: { ...spec, onFailure: "stop" } };
    const status = { open: true, steps: 0 };
    await world.space.commit((tx) =>
      tx.put<"job">({ ...of, status: { ...status, phase: "running" } } as never),
    ).durable;
    for (let time = 0; time < 2; time++)
      // its record may change after it has ended
      await world.space.commit((tx) =>
        tx.put<"job">({ ...of, status: { ...status, phase, endedAt: time } } as never),
      ).durable;
  }
  async function failed(count: number): Promise<void> {
    for (let number = 0; number < count; number++) await ended("failed");
  }
  const slowedOf = ({ status }: KeyRecord) => status.slowed?.everyMs;

  it("is slowed, more and more, until one ends well; and each time it is written down why", async () => {
    await failed(limits.failedJobsMin - 1);
    await ended("cancelled");
    keys.look();
    assert.equal(slowedOf(record()), undefined);
    await failed(1);
    keys.look();
    assert.equal(slowedOf(record()), limits.slowedMsMin);
    await clock.advance(2 * limits.slowedMsMin);
    await failed(1);
    keys.look();
    assert.equal(slowedOf(record()), 2 * limits.slowedMsMin);
    const { items } = (await world.call("GET", "/v1/keys")).json<Page<KeyView>>();
    assert.equal(items[0]!.slowed!.everyMs, 2 * limits.slowedMsMin);
    const why = (
      await world.call("GET", `/v1/keys/${made.name}/why`, { key: made.key })
    ).json<WhyView>();
    assert.equal(why.phase, "slowed");
    const sentences = why.explanations.map(({ sentence }) => sentence).join("\n");
    assert.match(sentences, /it may begin a job every 2.0s .* its last 1 jobs failed/);
    assert.match(
      sentences,
      /Canopy slowed the key 'nightly script': .* every 1.0s .* its last 20 jobs/,
    );
    await submitJob(world, {}, { key: made.key });
    const early = await world.call("POST", "/v1/jobs", {
      key: made.key,
      body: { title: "t", steps: [] },
    });
    assert.equal(early.statusCode, 429);
    assert.match(early.json<ProblemView>().detail, /Cannot begin another job of this key for now/);
    await ended("succeeded");
    keys.look();
    assert.equal(slowedOf(record()), undefined);
  });

  it("is not slowed by what failed long ago, nor where the policy wants it not", async () => {
    await failed(limits.failedJobsMin - 1);
    keys.look();
    await clock.advance(limits.failedJobsMs);
    keys.look();
    await failed(1);
    keys.look();
    assert.equal(slowedOf(record()), undefined);
    await world.call("PUT", "/v1/policy", { body: { autonomy: { heal: "advise" } } });
    await failed(limits.failedJobsMin);
    keys.look();
    assert.equal(slowedOf(record()), undefined);
    const why = (await world.call("GET", `/v1/keys/${made.name}/why`)).body;
    assert.match(why, /did not, but would have: slowed the key/);
  });

  it("loses its turn by nothing that begins no job", async () => {
    const key = await slowedKey(world);
    const submit = (body: object, headers = {}) =>
      world.call("POST", "/v1/jobs", { key, body, headers });
    const good = { title: "t", steps: [listStep] };
    const source = { type: "lines", blob: "0".repeat(64) };
    assert.equal((await submit({ title: "t", steps: "typo" })).statusCode, 400);
    const lacking = await submit({ title: "t", steps: [{ ...listStep, source }] });
    assert.equal(lacking.json<ProblemView>().code, "not-found", lacking.body);
    const sent = { "idempotency-key": "sent-twice" };
    const begun = await submit(good, sent);
    assert.equal(begun.statusCode, 201, begun.body);
    const again = await submit(good, sent);
    assert.equal(again.json<JobView>().id, begun.json<JobView>().id);
    const [early, ...rest] = await Promise.all([submit(good), submit(good)]);
    for (const one of [early, ...rest]) assert.equal(one.statusCode, 429);
    const { id } = begun.json<JobView>();
    const path = `/v1/jobs/${id}`;
    assert.equal((await world.call("POST", `${path}/cancel`, { key })).statusCode, 200);
    assert.equal((await world.call("POST", `${path}/retry`, { key })).statusCode, 429);
  });

  it("is explained to its project's admins and to itself alone", async () => {
    const body = { title: "another", role: "submitter" };
    const other = (await world.call("POST", "/v1/keys", { body })).json<MadeKeyView>();
    const refused = await world.call("GET", `/v1/keys/${made.name}/why`, { key: other.key });
    assert.equal(refused.statusCode, 404);
  });
});
