import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { readyStatus } from "#/model/task.ts";
import { policyOf } from "#/model/policy.ts";
import type { ChaosPreview, GameDayReport, GameDayView } from "#/model/chaos-views.ts";
import type { Page, WhyView } from "#/model/views.ts";
import { listStep, startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
let admin: string;
let viewer: string;
before(async () => {
  world = await startWorld();
  const keyOf = async (role: string) =>
    (await world.call("POST", "/v1/keys", { body: { title: role, role } })).json<{ key: string }>()
      .key;
  admin = await keyOf("admin");
  viewer = await keyOf("viewer");
});
after(() => world.stop());

const policyPath = "/v1/chaos/policy";
const daysPath = "/v1/chaos/game-days";
const tasksOnly = { targets: ["task"] };
const aMinute = { forMs: 60_000, everyMs: 5_000 };

beforeEach(async () => {
  await world.call("DELETE", policyPath);
  for (const day of world.space.all("game-day"))
    world.space.commit((tx) =>
      tx.put<"game-day">({ ...day, status: { ...day.status, phase: "ended" } }),
    );
});

describe("PUT /v1/chaos/policy", () => {
  test("lets an admin have tasks hit, and only root have agents and machines hit", async () => {
    const own = await world.call("PUT", policyPath, { key: admin, body: tasksOnly });
    assert.equal(own.statusCode, 200);
    assert.equal(own.json<{ hitsAtOnceMax: number }>().hitsAtOnceMax, 1);
    const body = { targets: ["task", "machine"] };
    const refused = await world.call("PUT", policyPath, { key: admin, body });
    assert.equal(refused.statusCode, 403);
    assert.equal((await world.call("PUT", policyPath, { body })).statusCode, 200);
    assert.equal((await world.call("PUT", policyPath, { key: viewer, body })).statusCode, 403);
  });

  test("with If-Match changes only the policy that was read", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    const etag = String((await world.call("GET", policyPath)).headers["etag"]);
    const change = () =>
      world.call("PUT", policyPath, { body: tasksOnly, headers: { "if-match": etag } });
    assert.equal((await change()).statusCode, 200);
    assert.equal((await change()).statusCode, 409);
    await world.call("DELETE", policyPath);
    assert.equal((await change()).statusCode, 409);
    assert.equal((await world.call("GET", policyPath)).statusCode, 404);
  });

  test("refuses what makes no sense, naming it", async () => {
    const wrong = [
      { targets: [] },
      { targets: ["task", "task"] },
      { targets: ["disk"] },
      { ...tasksOnly, timeZone: "Europe/Atlantis" },
      { ...tasksOnly, hours: { days: [8], from: "09:00", to: "10:00" } },
      { ...tasksOnly, hours: { days: [1], from: "9", to: "10:00" } },
      { ...tasksOnly, machineShareMax: 2 },
      { ...tasksOnly, awayMs: 10 },
      { ...tasksOnly, hitsMax: 0 },
    ];
    for (const body of wrong) {
      const answer = await world.call("PUT", policyPath, { body });
      assert.equal(answer.statusCode, 400, JSON.stringify(body));
    }
  });

  test("tells when the schedule will begin game days, but not while people begin them", async () => {
    const schedule = { days: [1], at: ["10:00"], ...aMinute };
    const next = async (autonomy: string) =>
      (await world.call("PUT", policyPath, { body: { ...tasksOnly, autonomy, schedule } })).json<{
        next: string[];
      }>().next;
    assert.equal((await next("manual")).length, 0);
    const runs = await next("act");
    assert.equal(runs.length, 3);
    for (const run of runs) assert.match(run, /T10:00:00.000Z$/);
  });
});

describe("GET and DELETE /v1/chaos/policy", () => {
  test("say that there is none, and how to make one", async () => {
    const answer = await world.call("GET", policyPath);
    assert.equal(answer.statusCode, 404);
    assert.match(answer.json<{ hint: string }>().hint, /canopy chaos policy set/);
    assert.equal((await world.call("DELETE", policyPath)).statusCode, 404);
  });
});

describe("POST /v1/chaos/game-days", () => {
  test("refuses without a policy, while one is on, and to those who may not", async () => {
    const start = (key = admin) => world.call("POST", daysPath, { key, body: aMinute });
    assert.equal((await start()).statusCode, 403);
    await world.call("PUT", policyPath, { body: tasksOnly });
    assert.equal((await start(viewer)).statusCode, 403);
    const begun = await start();
    assert.equal(begun.statusCode, 201);
    const again = await start();
    assert.equal(again.statusCode, 409);
    const { id } = begun.json<GameDayView>();
    assert.equal(again.json<{ hint: string }>().hint, `canopy chaos stop ${id}`);
  });

  test("with an Idempotency-Key begins one, however often it is called", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    const headers = { "idempotency-key": "once" };
    const start = () => world.call("POST", daysPath, { headers, body: aMinute });
    const [first, second] = [await start(), await start()];
    assert.equal(second.statusCode, 201);
    assert.equal(second.json<GameDayView>().id, first.json<GameDayView>().id);
  });
});

describe("GET /v1/status and a job's why", () => {
  test("say that a game day is on, for as long as it is", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    const job = await submitJob(world);
    const told = async () => {
      const { gameDay } = (await world.call("GET", "/v1/status")).json<{ gameDay?: string }>();
      const why = (await world.call("GET", `/v1/jobs/${job.id}/why`)).json<WhyView>();
      return { gameDay, sentence: why.explanations.at(-1)?.sentence ?? "" };
    };
    assert.equal((await told()).gameDay, undefined);
    assert.doesNotMatch((await told()).sentence, /game day/);
    const { id } = (await world.call("POST", daysPath, { body: aMinute })).json<GameDayView>();
    assert.equal((await told()).gameDay, id);
    assert.equal((await told()).sentence, `the game day ${id} is on, and kills tasks at random`);
  });
});

describe("POST /v1/chaos/game-days/:gameDay/stop", () => {
  test("lets it end; stopping again does nothing more; another project's is not found", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    const { id } = (await world.call("POST", daysPath, { body: aMinute })).json<GameDayView>();
    const stop = (query = "") => world.call("POST", `${daysPath}/${id}/stop${query}`);
    const stopped = await stop();
    assert.equal(stopped.statusCode, 202);
    assert.equal(stopped.json<GameDayView>().reason, "root stopped it");
    assert.equal((await stop()).statusCode, 202);
    await world.call("POST", "/v1/projects", { body: { name: "other" } });
    assert.equal((await stop("?project=other")).statusCode, 404);
  });
});

describe("POST /v1/chaos/preview", () => {
  test("says what may be hit, what not and why, and records nothing", async () => {
    world.space.commit((tx) =>
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name: "m1",
        spec: { keyDigest: "d", joinedAt: 0, site: "", labels: {}, cordoned: false },
        status: {
          hostname: "m1",
          os: "linux",
          arch: "x64",
          version: "0",
          capacity: { milliCpus: 1000, memoryBytes: 0 },
          drivers: ["process"],
          rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
        },
      }),
    );
    await world.call("PUT", policyPath, { body: { targets: ["machine"] } });
    const before = world.space.count("game-day", "default");
    const answer = await world.call("POST", "/v1/chaos/preview", { key: viewer, body: {} });
    const { candidates, keptOut, first } = answer.json<ChaosPreview>();
    assert.deepEqual([candidates, first], [[], undefined]);
    assert.deepEqual(keptOut, [{ target: "machine", subject: "m1", why: "it is not connected" }]);
    assert.equal(world.space.count("game-day", "default"), before);
  });
});

/** A game day with two hits, as the chaos room leaves them. */
function recorded(id: string, task: string): void {
  world.space.commit((tx) => {
    tx.put<"game-day">({
      kind: "game-day",
      project: "default",
      name: `default/${id}`,
      spec: {
        startedBy: "root",
        startedAt: 1000,
        ...aMinute,
        targets: ["task", "machine"],
        seed: 3,
        dryRun: false,
        policy: policyOf(tx.get("policy", "default/chaos"), "chaos")!,
      },
      status: {
        phase: "ended",
        hits: 3,
        nextAt: 0,
        refusals: 0,
        seenAt: 0,
        restarts: 0,
        downMs: 0,
        endedAt: 61_000,
      },
    });
    const hit = (number: number, noticeMs: number | undefined, healMs: number) =>
      tx.put<"hit">({
        kind: "hit",
        project: "default",
        name: `default/${id}/${number}`,
        spec: {
          target: "task",
          subject: task,
          machine: "m1",
          at: 2000,
          why: "one of 1 tasks",
          victims: [{ task, fence: 5, since: 1500, milliCpus: 1000 }],
          victimCount: 1,
        },
        status: {
          phase: noticeMs === undefined ? "missed" : "healed",
          ...(noticeMs !== undefined && {
            noticedAt: 2000 + noticeMs,
            noticedBy: "driver" as const,
            healedAt: 2000 + healMs,
          }),
          lost: [],
          attemptsLost: noticeMs === undefined ? 0 : 1,
          wastedCpuMs: noticeMs === undefined ? 0 : 500,
        },
      });
    hit(0, 10, 100);
    hit(1, 30, 700);
    hit(2, undefined, 0);
  });
}

describe("GET /v1/chaos/game-days/:gameDay", () => {
  test("gives each hit, and figures over those that came to pass", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    recorded("g0000001", "j1/0/0");
    const report = (await world.call("GET", `${daysPath}/g0000001`)).json<GameDayReport>();
    assert.deepEqual(report.totals, {
      hits: { task: 2, agent: 0, machine: 0 },
      missed: 1,
      open: 0,
      healed: 2,
      givenUp: 0,
      notice: { medianMs: 20, worstMs: 30 },
      heal: { medianMs: 400, worstMs: 700 },
      tasksLost: 0,
      attemptsLost: 2,
      wastedCpuMs: 1000,
    });
    assert.equal(report.hitList.length, 3);
  });

  test("and lists find those that have left memory", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    recorded("g0000002", "j1/0/0");
    world.space.commit((tx) => {
      for (const hit of world.space.list("hit", "default/g0000002")) tx.archive<"hit">(hit);
      tx.archive<"game-day">(tx.get("game-day", "default/g0000002")!);
    });
    const report = (await world.call("GET", `${daysPath}/g0000002`)).json<GameDayReport>();
    assert.equal(report.totals.healed, 2);
    const ids: string[] = [];
    for (let cursor = ""; ;) {
      const query = `?limit=1${cursor && `&cursor=${cursor}`}`;
      const page = (await world.call("GET", `${daysPath}${query}`)).json<Page<GameDayView>>();
      ids.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      cursor = page.next;
    }
    assert.ok(ids.includes("g0000002") && ids.includes("g0000001"), ids.join(" "));
    assert.deepEqual(ids, ids.toSorted().reverse());
  });
});

describe("GET …/tasks/:index/why", () => {
  test("tells of the hits of game days on it", async () => {
    await world.call("PUT", policyPath, { body: tasksOnly });
    const job = await submitJob(world, { steps: [listStep] });
    const name = `${job.id}/0/0`;
    world.space.commit((tx) =>
      tx.put<"task">({
        kind: "task",
        project: "default",
        name,
        spec: { input: "null" },
        status: readyStatus,
      }),
    );
    recorded("g0000003", name);
    const why = await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/0/why`);
    const told = why.json<WhyView>().explanations.slice(-2);
    assert.match(
      told[0]!.sentence,
      /^the game day g0000003 ended this task's process .* ago, within the policy of 'default'; healed 100ms later/,
    );
    assert.equal(told[0]!.advice, "canopy chaos report g0000003");
  });
});
