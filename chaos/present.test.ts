import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "#/base/testing/chance.ts";
import { Door } from "./door.ts";
import { whoIsAbsent } from "./present.ts";
import { serve } from "./testing/serve.ts";

test("whoIsAbsent() finds control planes and machines that are not there, and who leads but one", async (t) => {
  const plane = (url: string, role = "follower") => ({ url, role });
  let controlPlanes: object[] = [];
  let connected = [true, true];
  const { url } = await serve(t, (call) => {
    if (call === "GET /v1/status") return { status: 200, body: { controlPlanes } };
    const items = connected.map((is, at) => ({ name: `m${at}`, connected: is }));
    return { status: 200, body: { items } };
  });
  const other = `${url}/.`;
  const site = { urls: [url, other], machines: 2, programs: [{ name: "p", isReady: true }] };
  const absent = () => whoIsAbsent(new Door([url], "key", new Chance(1)), site);
  controlPlanes = [plane(url, "leader"), plane(other)];
  assert.deepEqual(await absent(), []);
  connected = [true, false];
  assert.match((await absent()).join(), /2 machines must be connected/);
  connected = [true];
  assert.equal((await absent()).length, 1);
  connected = [true, true];
  site.programs[0]!.isReady = false;
  assert.deepEqual(await absent(), ["p has not said that it is ready"]);
  site.programs[0]!.isReady = true;
  for (const wrong of [
    [plane(url, "leader")],
    [plane(url), plane(other)],
    [plane(url, "leader"), plane(other, "leader")],
    [plane(url, "leader"), plane("http://elsewhere")],
  ]) {
    controlPlanes = wrong;
    assert.equal((await absent()).length, 2, JSON.stringify(wrong));
  }
});
