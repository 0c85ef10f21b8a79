import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { HttpRequest, HttpResponse } from "#/base/network.ts";
import { Http } from "./http.ts";

const door = { url: "http://cloud.test", key: "secret", project: "p", from: "the test" };
const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };

type Answer = Response | Error;

/** HTTP that is answered by the test, on a clock that goes on by itself. */
function scripted(answers: Answer[], patienceMs: number, url = door.url) {
  const calls: HttpRequest[] = [];
  const clock = new ManualClock();
  const request = async (asked: HttpRequest): Promise<HttpResponse> => {
    calls.push(asked);
    const answer = answers[Math.min(calls.length, answers.length) - 1]!;
    if (answer instanceof Error) throw answer;
    const { status, headers } = answer;
    const body = answer.clone().body ?? Readable.from([]);
    return { status, headers: Object.fromEntries(headers), body };
  };
  return {
    calls,
    clock,
    http: new Http(
      { ...door, url },
      { request, dial: () => assert.fail(), clock, random },
      patienceMs,
    ),
  };
}

async function passing<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => void (isOver = true);
  work.then(over, over);
  for (let turn = 0; turn < 500 && !isOver; turn++) {
    await new Promise(setImmediate);
    await clock.advance(100);
  }
  return await work;
}

test("a call carries key, project, query and body; a POST an idempotency key, the same when it is repeated", async () => {
  const refused = new CanopyError("unavailable", "Cannot reach it", {
    cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }),
  });
  const { calls, clock, http } = scripted([refused, Response.json({ ok: 1 })], 10_000);
  assert.deepEqual(
    await passing(
      clock,
      http.json("POST", "/v1/jobs", { query: { a: 1, b: undefined, c: "x y" }, body: { n: 1 } }),
    ),
    { ok: 1 },
  );
  assert.equal(calls.length, 2);
  assert.equal(calls[0]!.url, "http://cloud.test/v1/jobs?a=1&c=x%20y");
  const headers = calls[0]!.headers as Record<string, string>;
  assert.equal(headers["authorization"], "Bearer secret");
  assert.equal(headers["canopy-project"], "p");
  assert.equal(headers["idempotency-key"]?.length, 26);
  assert.deepEqual(calls[1]!.headers, headers);
});

test("a refusal becomes CanopyError with the cloud's code, hint and place", async () => {
  const problem = {
    status: 422,
    code: "infeasible",
    detail: "Cannot run",
    hint: "canopy machines",
    place: { file: "job.yaml", line: 2, column: 3 },
  };
  const { http } = scripted([Response.json(problem, { status: 422 })], 0);
  await assert.rejects(http.json("GET", "/x"), (thrown) => {
    assert.ok(thrown instanceof CanopyError);
    assert.deepEqual(
      [thrown.code, thrown.message, thrown.hint, thrown.place],
      ["infeasible", "Cannot run", "canopy machines", problem.place],
    );
    return true;
  });
  const { http: odd } = scripted([new Response("nginx says no", { status: 404 })], 0);
  await assert.rejects(
    odd.json("GET", "/x"),
    (thrown) => thrown instanceof CanopyError && thrown.code === "not-found",
  );
});

test("patience bounds how long an unreachable cloud is tried, and says where its address came from", async () => {
  const { calls, clock, http } = scripted(
    [new CanopyError("unavailable", "Cannot reach it")],
    2000,
  );
  await assert.rejects(
    passing(clock, http.json("GET", "/x")),
    (thrown) =>
      thrown instanceof CanopyError &&
      thrown.code === "unavailable" &&
      thrown.message.includes("which the test names"),
  );
  assert.ok(calls.length > 3 && calls.length < 10, String(calls.length));
});

test("a master that is held back waits for as long as it takes; others do not", async () => {
  const limited = () =>
    Response.json({ code: "limited", detail: "wait", retryAfterMs: 5000 }, { status: 429 });
  const { clock, http } = scripted(
    [limited(), limited(), limited(), Response.json({ ok: 1 })],
    1000,
  );
  assert.deepEqual(
    await passing(clock, http.json("POST", "/tasks", { heldBack: true, repeatable: true })),
    { ok: 1 },
  );
  const { http: plain } = scripted([limited()], 1000);
  await assert.rejects(
    plain.json("GET", "/x"),
    (thrown) => thrown instanceof CanopyError && thrown.code === "limited",
  );
});

test("a call that is called off ends at once", async () => {
  const { http } = scripted([new CanopyError("unavailable", "Cannot reach it")], Infinity);
  const leave = new AbortController();
  const call = http.json("GET", "/x", { signal: leave.signal });
  await new Promise(setImmediate);
  leave.abort(new Error("left"));
  await assert.rejects(call, /left/);
});

const unreachable = new CanopyError("unavailable", "Cannot reach it");
const hosts = (calls: { url: string }[]) => calls.map(({ url }) => new URL(url).host);

test("a call that one control plane does not answer goes on to the next at once, and later ones stay there", async () => {
  const { calls, clock, http } = scripted(
    [unreachable, unreachable, Response.json({ ok: 1 })],
    10_000,
    "http://a.test,http://b.test,http://c.test",
  );
  const atMs = clock.monotonicMs();
  await http.json("POST", "/v1/jobs", { body: {} });
  assert.equal(clock.monotonicMs(), atMs);
  await http.json("GET", "/v1/jobs");
  assert.deepEqual(hosts(calls), ["a.test", "b.test", "c.test", "c.test"]);
  const keys = calls.map(({ headers }) => headers?.["idempotency-key"]);
  assert.equal(new Set(keys.slice(0, 3)).size, 1, "the same call each time");
});

test("when no control plane answers, a call waits and asks them all again, until its patience ends", async () => {
  const { calls, clock, http } = scripted([unreachable], 1_000, "http://a.test,http://b.test");
  await assert.rejects(passing(clock, http.json("GET", "/v1/jobs")), { code: "unavailable" });
  assert.deepEqual(hosts(calls).slice(0, 4), ["a.test", "b.test", "a.test", "b.test"]);
});

test("control planes are learned from answers, but none over a less safe way than was named", async () => {
  const told = { "canopy-control-planes": "http://a.test,http://b.test,https://c.test" };
  for (const [url, after] of [
    ["http://a.test", "b.test"],
    ["https://a.test", "c.test"],
  ] as const) {
    const answers = [Response.json({}, { headers: told }), unreachable, Response.json({})];
    const { calls, http } = scripted(answers, 10_000, url);
    await http.json("GET", "/v1/status");
    await http.json("GET", "/v1/jobs");
    assert.deepEqual(hosts(calls), ["a.test", "a.test", after]);
  }
});
