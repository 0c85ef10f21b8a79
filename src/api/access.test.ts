import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { nodeClock } from "#/base/node/clock.ts";
import type { KeyView, MadeJoinTokenView, MadeKeyView, Page, ProblemView } from "#/model/views.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { joinMachine } from "./testing/agent.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
before(async () => void (world = await startWorld()));
after(() => world.stop());

async function makeKey(role: string, project = "default"): Promise<string> {
  const answer = await world.call("POST", `/v1/keys?project=${project}`, {
    body: { title: role, role },
  });
  assert.equal(answer.statusCode, 201, answer.body);
  return answer.json<MadeKeyView>().key;
}

const problem = (answer: { json<T>(): T }) => answer.json<ProblemView>();

describe("the door", () => {
  it("refuses a call without a key, with a wrong one and with a malformed one", async () => {
    const none = await world.call("GET", "/v1/jobs", { key: "" });
    assert.equal(none.statusCode, 401);
    assert.equal(none.headers["content-type"], "application/problem+json");
    assert.equal(none.headers["www-authenticate"], "Bearer");
    assert.equal(problem(none).code, "unauthenticated");
    assert.match(problem(none).hint!, /Authorization: Bearer/);
    assert.equal(
      (await world.call("GET", "/v1/jobs", { key: "canopy_key_nobody" })).statusCode,
      401,
    );
    const basic = await world.call("GET", "/v1/jobs", {
      key: "",
      headers: { authorization: "Basic eDp5" },
    });
    assert.equal(basic.statusCode, 401);
  });

  it("refuses an unknown call, a wrong body and a wrong query as problems that say where", async () => {
    const unknown = await world.call("GET", "/v1/nothing");
    assert.equal(unknown.statusCode, 404);
    assert.equal(problem(unknown).code, "not-found");
    const wrong = await world.call("POST", "/v1/jobs", { body: { title: 3, steps: [{}] } });
    assert.equal(wrong.statusCode, 400);
    assert.ok(problem(wrong).errors!.some(({ pointer }) => pointer === "/title"));
    assert.ok(problem(wrong).errors!.some(({ pointer }) => pointer === "/steps/0/name"));
    const syntax = await world.call("POST", "/v1/jobs", {
      body: "{",
      headers: { "content-type": "application/json" },
    });
    assert.equal(problem(syntax).code, "invalid");
    const query = await world.call("GET", "/v1/jobs?limit=-1");
    assert.match(problem(query).detail, /the query.*limit/);
    const type = await world.call("POST", "/v1/jobs", {
      body: "a: 1",
      headers: { "content-type": "text/yaml" },
    });
    assert.equal(problem(type).code, "invalid");
  });

  it("refuses a body over the limit, and before it is read when nobody known sends it", async () => {
    const body = JSON.stringify({ title: "x".repeat(9 * 1024 * 1024), steps: [] });
    const headers = { "content-type": "application/json" };
    const large = await world.call("POST", "/v1/jobs", { body, headers });
    assert.equal(large.statusCode, 413);
    assert.equal(problem(large).code, "too-large");
    assert.equal(
      (await world.call("POST", "/v1/jobs", { key: "", body, headers })).statusCode,
      401,
    );
  });

  it("lets each role do what it may and no more", async () => {
    const [viewer, submitter, admin] = await Promise.all(
      ["viewer", "submitter", "admin"].map((role) => makeKey(role)),
    );
    const job = await submitJob(world, {}, { key: submitter! });
    const status = async (key: string, method: "GET" | "POST", url: string, body?: object) =>
      (await world.call(method, url, { key, ...(body && { body }) })).statusCode;
    assert.equal(await status(viewer!, "GET", `/v1/jobs/${job.id}`), 200);
    assert.equal(await status(viewer!, "POST", `/v1/jobs/${job.id}/cancel`), 403);
    assert.equal(await status(submitter!, "GET", "/v1/keys"), 403);
    assert.equal(await status(admin!, "GET", "/v1/keys"), 200);
    assert.equal(await status(admin!, "POST", "/v1/projects", { name: "mine" }), 403);
    assert.equal(await status(admin!, "POST", "/v1/join-tokens"), 403);
    assert.equal(await status(admin!, "POST", "/v1/keys", { title: "more", role: "root" }), 400);
    const refusal = problem(
      await world.call("POST", `/v1/jobs/${job.id}/cancel`, { key: viewer! }),
    );
    assert.match(refusal.detail, /takes the role 'submitter': this key's role is 'viewer'/);
  });

  it("keeps projects apart: what is another's is not found, and cannot be chosen", async () => {
    await world.call("POST", "/v1/projects", { body: { name: "other" } });
    const key = await makeKey("admin", "other");
    const job = await submitJob(world);
    for (const path of [
      "",
      "/events",
      "/result",
      "/steps",
      "/steps/0/results",
      "/tasks",
      "/logs",
      "/why",
      "/cost",
    ]) {
      const answer = await world.call("GET", `/v1/jobs/${job.id}${path}`, { key });
      assert.equal(answer.statusCode, 404, path);
    }
    for (const path of ["cancel", "retry", "close"]) {
      assert.equal(
        (await world.call("POST", `/v1/jobs/${job.id}/${path}`, { key })).statusCode,
        404,
        path,
      );
    }
    assert.deepEqual(
      (await world.call("GET", "/v1/jobs", { key })).json<Page<unknown>>().items,
      [],
    );
    assert.equal((await world.call("GET", "/v1/jobs?project=default", { key })).statusCode, 403);
    assert.equal(
      (await world.call("GET", "/v1/jobs", { key, headers: { "canopy-project": "default" } }))
        .statusCode,
      403,
    );
    const stored = (
      await world.call("POST", "/v1/blobs", {
        body: Buffer.from("secret"),
        headers: { "content-type": "application/octet-stream" },
      })
    ).json<{ key: string }>();
    assert.equal((await world.call("GET", `/v1/blobs/${stored.key}`, { key })).statusCode, 404);
    assert.equal((await world.call("GET", `/v1/blobs/${stored.key}`)).body, "secret");
    const theirs = await submitJob(world, {}, { key });
    assert.equal(theirs.project, "other");
    assert.equal((await world.call("GET", `/v1/jobs/${theirs.id}?project=other`)).statusCode, 200);
    assert.equal((await world.call("GET", "/v1/jobs?project=nowhere")).statusCode, 404);
  });

  it("lets code inside a job touch that job only, and only while it runs", async () => {
    const [mine, other] = [await submitJob(world), await submitJob(world)];
    const key = world.access.jobKey(mine.id);
    assert.equal((await world.call("GET", `/v1/jobs/${mine.id}`, { key })).statusCode, 200);
    assert.equal((await world.call("GET", `/v1/jobs/${other.id}`, { key })).statusCode, 403);
    assert.equal((await world.call("GET", "/v1/jobs", { key })).statusCode, 403);
    assert.equal(
      (await world.call("POST", "/v1/jobs", { key, body: { title: "x", steps: [] } })).statusCode,
      403,
    );
    assert.equal(
      (await world.call("GET", `/v1/jobs/${mine.id}`, { key: `${key}0` })).statusCode,
      401,
    );
    await world.call("POST", `/v1/jobs/${mine.id}/cancel`);
    const ended = await world.call("GET", `/v1/jobs/${mine.id}`, { key });
    assert.equal(ended.statusCode, 401);
    assert.match(problem(ended).detail, /has ended/);
  });

  it("lets a machine reach blobs and segments only", async () => {
    const { machine, key } = await joinMachine(world);
    assert.equal((await world.call("GET", "/v1/jobs", { key })).statusCode, 403);
    assert.equal(
      (await world.call("POST", "/v1/jobs", { key, body: { title: "x", steps: [] } })).statusCode,
      403,
    );
    const put = await world.call("POST", "/v1/blobs?project=default", {
      key,
      body: Buffer.from("output"),
      headers: { "content-type": "application/octet-stream" },
    });
    assert.equal(put.statusCode, 201);
    assert.equal(
      (await world.call("GET", `/v1/machines/${machine}/segments/j1/0/0/0`, { key })).statusCode,
      503,
    );
  });

  it("shows a key once, lists it without its secret, and forgets it when it is removed", async () => {
    const made = (
      await world.call("POST", "/v1/keys", { body: { title: "short", role: "viewer" } })
    ).json<MadeKeyView>();
    const listed = (await world.call("GET", "/v1/keys"))
      .json<Page<KeyView>>()
      .items.find(({ name }) => name === made.name)!;
    assert.equal("key" in listed, false);
    assert.equal((await world.call("GET", "/v1/jobs", { key: made.key })).statusCode, 200);
    assert.equal((await world.call("DELETE", `/v1/keys/${made.name}`)).statusCode, 204);
    assert.equal((await world.call("GET", "/v1/jobs", { key: made.key })).statusCode, 401);
    assert.equal((await world.call("DELETE", `/v1/keys/${made.name}`)).statusCode, 404);
  });

  it("a join token is good once", async () => {
    const { token, command } = (
      await world.call("POST", "/v1/join-tokens", { body: { labels: { zone: "b" } } })
    ).json<MadeJoinTokenView>();
    assert.ok(command.includes(token));
    const join = () =>
      world.call("POST", "/v1/machines/join", {
        key: "",
        body: { token, hostname: "Lab PC.7", labels: { zone: "a", gpu: "no" } },
      });
    const first = await join();
    assert.equal(first.statusCode, 201);
    assert.equal(first.json<{ machine: string }>().machine, "lab-pc-7");
    assert.deepEqual(world.space.get("machine", "lab-pc-7")!.spec.labels, { zone: "b", gpu: "no" });
    const again = await join();
    assert.equal(again.statusCode, 401);
    assert.match(problem(again).detail, /it was used by the machine 'lab-pc-7'/);
    assert.match(
      problem(await world.call("GET", "/v1/jobs", { key: token })).detail,
      /a join token only lets a machine join/,
    );
    const wrong = await world.call("POST", "/v1/machines/join", {
      key: "",
      body: { token: "canopy_join_x", hostname: "x" },
    });
    assert.match(problem(wrong).detail, /no such token is known/);
  });

  it("each is made once and told again when the call is repeated with its Idempotency-Key", async () => {
    const twice = async (url: string, body: object, key?: string) => {
      const headers = { "idempotency-key": `once ${url}` };
      const options = { body, headers, ...(key !== undefined && { key }) };
      const [first, again] = [
        await world.call("POST", url, options),
        await world.call("POST", url, options),
      ];
      assert.equal(first.statusCode, 201, first.body);
      assert.equal(again.body, first.body);
      const other = await world.call("POST", url, {
        ...options,
        body: { ...body, labels: { a: "b" } },
      });
      assert.ok([400, 409].includes(other.statusCode), other.body);
      return first;
    };
    const { token } = (await twice("/v1/join-tokens", {})).json<MadeJoinTokenView>();
    const joined = await twice("/v1/machines/join", { token, hostname: "twice" }, "");
    assert.equal(joined.json<{ machine: string }>().machine, "twice");
    assert.equal(world.space.get("machine", "twice-2"), undefined);
    const made = (await twice("/v1/keys", { title: "twice" })).json<MadeKeyView>();
    assert.equal((await world.call("GET", "/v1/jobs", { key: made.key })).statusCode, 200);
    const key = joined.json<{ key: string }>().key;
    assert.equal(world.access.authenticate(key).machine, "twice");
  });

  it("a removed machine's key opens nothing", async () => {
    const { machine, key } = await joinMachine(world);
    assert.equal((await world.call("DELETE", `/v1/machines/${machine}`)).statusCode, 204);
    assert.equal((await world.call("GET", "/v1/blobs/x", { key })).statusCode, 401);
  });

  it("removes a project with its keys, but not one whose jobs run, nor the first", async () => {
    await world.call("POST", "/v1/projects", { body: { name: "brief", weight: 2 } });
    const key = await makeKey("submitter", "brief");
    const job = await submitJob(world, {}, { key });
    assert.equal((await world.call("DELETE", "/v1/projects/brief")).statusCode, 409);
    await world.call("POST", `/v1/jobs/${job.id}/cancel?project=brief`);
    const functions = ["function", "function-version", "function-alias"] as const;
    world.space.commit((tx) => {
      for (const project of ["brief", "default"])
        for (const kind of functions) {
          const name = kind === "function" ? `${project}:f` : `${project}:f/1`;
          tx.put({ kind, project, name, spec: {}, status: {} } as never);
        }
    });
    assert.equal((await world.call("DELETE", "/v1/projects/brief")).statusCode, 204);
    for (const kind of functions)
      assert.deepEqual(
        [...world.space.all(kind)].map(({ project }) => project),
        ["default"],
      );
    assert.equal((await world.call("GET", "/v1/jobs", { key })).statusCode, 401);
    assert.equal((await world.call("DELETE", "/v1/projects/default")).statusCode, 409);
    const again = () =>
      world.call("POST", "/v1/projects", {
        body: { name: "short" },
        headers: { "idempotency-key": "made-once" },
      });
    assert.equal((await again()).statusCode, 201);
    assert.equal((await again()).statusCode, 201);
    assert.equal((await world.call("DELETE", "/v1/projects/short")).statusCode, 204);
    assert.equal((await again()).statusCode, 404);
    assert.equal(
      (await world.call("POST", "/v1/projects", { body: { name: "default" } })).statusCode,
      409,
    );
  });
});

describe("a project", () => {
  const read = (headers?: Record<string, string>) =>
    world.call("GET", "/v1/projects/tagged", { ...(headers && { headers }) });

  it("is read, given another title and weight, and tells its revision as ETag", async () => {
    const made = await world.call("POST", "/v1/projects", { body: { name: "tagged", weight: 2 } });
    assert.equal(made.headers.etag, '"1"');
    const changed = await world.call("PATCH", "/v1/projects/tagged", {
      body: { title: "A title" },
    });
    assert.equal(changed.statusCode, 200, changed.body);
    assert.equal(changed.headers.etag, '"2"');
    const seen = await read();
    assert.equal(seen.headers.etag, '"2"');
    const { title, weight } = seen.json<{ title: string; weight: number }>();
    assert.deepEqual([title, weight], ["A title", 2]);
    assert.equal((await world.call("GET", "/v1/projects/none")).statusCode, 404);
    const other = await makeKey("admin");
    assert.equal((await world.call("GET", "/v1/projects/tagged", { key: other })).statusCode, 404);
    assert.equal((await world.call("GET", "/v1/projects/default", { key: other })).statusCode, 200);
  });

  it("is changed and removed with If-Match only when nobody has changed it since", async () => {
    const call = (method: "PATCH" | "DELETE", ifMatch: string) =>
      world.call(method, "/v1/projects/tagged", {
        ...(method === "PATCH" && { body: { title: "swapped" } }),
        headers: { "if-match": ifMatch },
      });
    const etag = (await read()).headers.etag as string;
    assert.equal((await call("PATCH", etag)).statusCode, 200);
    const late = await call("PATCH", etag);
    assert.equal(late.statusCode, 409);
    assert.match(problem(late).detail, /has changed since: If-Match must be "3", it is "2"/);
    assert.equal((await call("PATCH", `W/"3"`)).statusCode, 409);
    assert.equal(problem(await call("PATCH", "3")).code, "invalid");
    assert.equal((await call("PATCH", `"9", "3"`)).statusCode, 200);
    assert.equal((await call("PATCH", "*")).statusCode, 200);
    assert.equal((await call("DELETE", `"3"`)).statusCode, 409);
    assert.equal((await call("DELETE", `"5"`)).statusCode, 204);
  });

  it("is given a quota, a cohort and a bound on borrowing, which are told and taken away", async () => {
    await world.call("POST", "/v1/projects", { body: { name: "bounded" } });
    const change = (body: object) => world.call("PATCH", "/v1/projects/bounded", { body });
    const bounds = (view: Record<string, unknown>) => [
      view["quota"],
      view["cohort"],
      view["borrow"],
    ];
    const quota = { cpus: 20, memoryBytes: 2 ** 30 };
    const given = await change({ quota, cohort: "lab", borrow: { cpus: 0.5 } });
    assert.deepEqual(bounds(given.json()), [quota, "lab", { cpus: 0.5 }]);
    const kept = await change({ weight: 3 });
    assert.deepEqual(bounds(kept.json()), [quota, "lab", { cpus: 0.5 }]);
    const taken = await change({ quota: null, cohort: null, borrow: null });
    assert.deepEqual(bounds(taken.json()), [undefined, undefined, undefined]);
  });

  it("is refused a quota that cannot be meant, with the rule and what to do", async () => {
    const refusal = async (body: object) => {
      const answer = await world.call("PATCH", "/v1/projects/bounded", { body });
      assert.equal(answer.statusCode, 400, answer.body);
      return problem(answer).detail;
    };
    assert.match(await refusal({ cohort: "lab" }), /cohort lab as it must have a quota to lend/);
    assert.match(
      await refusal({ quota: { cpus: 2 }, borrow: { cpus: 1 } }),
      /borrow as it must be in a cohort: it is in none/,
    );
    assert.match(
      await refusal({ quota: { cpus: 2 }, cohort: "lab", borrow: { memoryBytes: 1 } }),
      /borrow memory as it must have a quota of them/,
    );
    assert.match(await refusal({ quota: {} }), /must name 'cpus', 'memoryBytes' or both/);
    await refusal({ quota: { cpus: 0 } });
    await refusal({ quota: { cpus: -1 } });
    await refusal({ quota: { memoryBytes: 0.5 } });
    await refusal({ cohort: "Not a name" });
    const key = await makeKey("admin", "bounded");
    const own = await world.call("PATCH", "/v1/projects/bounded", {
      body: { quota: { cpus: 99 } },
      key,
    });
    assert.equal(own.statusCode, 403, "a project does not set its own");
  });

  it("a refusal waits until what it tells of is on disk", async () => {
    const log = new MemoryLog();
    const own = await startWorld({ log });
    after(() => own.stop());
    const held = Promise.withResolvers<void>();
    const append = log.append.bind(log);
    log.append = async (batch) => {
      await held.promise;
      await append(batch);
    };
    const made = own.call("POST", "/v1/projects", { body: { name: "early" } });
    let isRefused = false;
    const refused = own
      .call("POST", "/v1/projects", { body: { name: "early" } })
      .then((answer) => ((isRefused = true), answer));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(isRefused, false);
    held.resolve();
    assert.equal((await made).statusCode, 201);
    assert.equal((await refused).statusCode, 409);
  });
});

describe("keys and tokens that expire", () => {
  it("are refused with the instant at which they did", async () => {
    let laterMs = 0;
    const late = await startWorld({
      clock: { ...nodeClock, now: () => nodeClock.now() + laterMs },
    });
    after(() => late.stop());
    const body = {
      title: "brief",
      role: "viewer",
      expiresAt: new Date(Date.now() + 60_000).toISOString(),
    };
    const { key } = (await late.call("POST", "/v1/keys", { body })).json<MadeKeyView>();
    const { token } = (await late.call("POST", "/v1/join-tokens")).json<MadeJoinTokenView>();
    assert.equal((await late.call("GET", "/v1/jobs", { key })).statusCode, 200);
    const past = { title: "x", expiresAt: "2001-01-01T00:00:00Z" };
    assert.equal((await late.call("POST", "/v1/keys", { body: past })).statusCode, 400);
    laterMs = 2 * 60 * 60_000;
    assert.match(problem(await late.call("GET", "/v1/jobs", { key })).detail, /it expired at 2/);
    const join = await late.call("POST", "/v1/machines/join", {
      key: "",
      body: { token, hostname: "x" },
    });
    assert.equal(join.statusCode, 401);
    assert.match(problem(join).detail, /it expired at 2/);
  });
});
