import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { MadeKeyView } from "#/model/views.ts";
import { actionOf } from "./action.ts";
import { routes } from "./routes.ts";
import { startWorld, type World } from "./testing/world.ts";

describe("actionOf()", () => {
  it("names calls as people would", () => {
    const named = {
      "POST /v1/jobs": "SubmitJob",
      "GET /v1/jobs": "ListJobs",
      "GET /v1/jobs/:job": "ReadJob",
      "GET /v1/jobs/:job/logs": "ListJobLogs",
      "GET /v1/jobs/:job/why": "ReadJobWhy",
      "POST /v1/jobs/:job/cancel": "CancelJob",
      "POST /v1/jobs/:job/steps/:step/tasks": "CreateJobStepTask",
      "PUT /v1/policy": "SetPolicy",
      "PATCH /v1/machines/:machine": "ChangeMachine",
      "DELETE /v1/access-keys/:key": "RemoveAccessKey",
      "GET /v1/status": "ReadStatus",
      "POST /v1/chaos/game-days/:gameDay/stop": "StopChaosGameDay",
      "GET /v1/backup": "ReadBackup",
    };
    for (const [route, action] of Object.entries(named)) {
      const [method, url] = route.split(" ") as [string, string];
      assert.equal(actionOf(method, url), `canopy:${action}`);
    }
  });

  it("gives no two calls the same name", () => {
    const all = Object.keys(routes).map((route) => {
      const [method, url] = route.split(/ +/) as [string, string];
      return actionOf(method, url);
    });
    const twice = all.filter((one, at) => all.indexOf(one) !== at);
    assert.deepEqual(twice, []);
    for (const one of all) assert.match(one, /^canopy:[A-Z][A-Za-z]+$/);
  });
});

describe("a key of a user", () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.stop());

  const putUser = (policy?: object) =>
    world.space.commit((tx) => {
      const before = tx.get("iam-user", "default/ann");
      const inline: Record<string, string> = policy
        ? { p: JSON.stringify({ Version: "2012-10-17", Statement: policy }) }
        : {};
      tx.put<"iam-user">({
        kind: "iam-user",
        project: "default",
        name: "default/ann",
        spec: {
          id: "AIDA1",
          name: "Ann",
          path: "/",
          createdAt: 0,
          attached: [],
          groups: [],
          inline,
        },
        status: {},
        ...(before && { revision: before.revision, serial: before.serial }),
      });
    }).durable;

  it("may call what the user's policies allow, and nothing once the user is gone", async () => {
    await putUser();
    const made = await world.call("POST", "/v1/keys", { body: { title: "ann's", user: "ann" } });
    assert.equal(made.statusCode, 201, made.body);
    const { key, user, role } = made.json<MadeKeyView>();
    assert.deepEqual([user, role], ["ann", "admin"]);
    const status = async (method: "GET" | "POST", path: string, body?: object) =>
      (await world.call(method, path, { key, body })).statusCode;
    assert.equal(await status("GET", "/v1/jobs"), 403);
    await putUser([
      { Effect: "Allow", Action: ["canopy:List*", "canopy:Read*"], Resource: "*" },
      { Effect: "Deny", Action: "*", Resource: "arn:aws:canopy::*:machines*" },
    ]);
    assert.equal(await status("GET", "/v1/jobs"), 200);
    assert.equal(await status("GET", "/v1/machines"), 403);
    assert.equal(await status("POST", "/v1/keys", { title: "more" }), 403);
    await world.space.commit((tx) => tx.delete("iam-user", "default/ann")).durable;
    assert.equal(await status("GET", "/v1/jobs"), 401);
  });

  it("makes keys of its own user, and of others only where a policy says so", async () => {
    const create = ["canopy:CreateKey", "canopy:CreateAccessKey"];
    const ownKeys = ["arn:aws:canopy::*:keys", "arn:aws:canopy::*:access-keys"];
    await putUser([
      { Effect: "Allow", Action: create, Resource: ownKeys },
      { Effect: "Allow", Action: create, Resource: "arn:aws:canopy::*:users/Bob/keys" },
    ]);
    for (const name of ["bob", "eve"])
      await world.space.commit((tx) => {
        const { spec } = tx.get("iam-user", "default/ann")!;
        const named = {
          ...spec,
          id: `AIDA${name}`,
          name: name === "bob" ? "Bob" : name,
          inline: {},
        };
        tx.put<"iam-user">({
          kind: "iam-user",
          project: "default",
          name: `default/${name}`,
          spec: named,
          status: {},
        });
      }).durable;
    const admin = { title: "ann's", user: "ann" };
    const { key } = (await world.call("POST", "/v1/keys", { body: admin })).json<MadeKeyView>();
    for (const path of ["/v1/keys", "/v1/access-keys"]) {
      const make = async (user?: string) => {
        const body = { title: "more", ...(user !== undefined && { user }) };
        const made = await world.call("POST", path, { key, body });
        const { user: whose } = made.json<{ user?: string }>();
        return [made.statusCode, whose];
      };
      assert.deepEqual(await make(), [201, "ann"]);
      assert.deepEqual(await make("ann"), [201, "ann"]);
      assert.deepEqual(await make("BOB"), [201, "BOB"]);
      assert.deepEqual(await make("eve"), [403, undefined]);
      assert.deepEqual(await make("nobody"), [404, undefined]);
    }
  });

  it("is refused for a user that is not there", async () => {
    const body = { title: "x", user: "nobody" };
    assert.equal((await world.call("POST", "/v1/keys", { body })).statusCode, 404);
  });
});
