import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { silent } from "#/base/log.ts";
import type { ProblemView } from "#/model/views.ts";
import { standsAlone } from "#/space/leadership.ts";
import { startWorld, type World } from "./testing/world.ts";
import { WrongKeys } from "./wrong-keys.ts";

describe("who shows wrong keys", () => {
  let world: World;
  before(async () => void (world = await startWorld()));
  after(() => world.stop());
  const wrong = (key: string) => world.call("GET", "/v1/jobs", { key });

  it("is told to come later after some, with a code and a time; a right key is answered all along", async () => {
    for (let time = 0; time < limits.wrongKeysMax; time++)
      assert.equal((await wrong(`canopy_key_${time}`)).statusCode, 401);
    const slowed = await wrong("canopy_key_more");
    assert.equal(slowed.statusCode, 429);
    const { code, hint, retryAfterMs } = slowed.json<ProblemView>();
    assert.equal(code, "limited");
    assert.match(hint!, /send the right key/);
    assert.equal(slowed.headers["retry-after"], String(Math.ceil(retryAfterMs! / 1000)));
    assert.equal((await world.call("GET", "/v1/jobs")).statusCode, 200);
    assert.equal((await world.call("GET", "/v1/jobs", { key: "" })).statusCode, 401);
    const join = { token: "canopy_join_no", hostname: "pc" };
    const joined = await world.call("POST", "/v1/machines/join", { key: "", body: join });
    assert.equal(joined.statusCode, 429, "join tokens are keys too");
    const why = await world.call("GET", "/v1/policy/why");
    assert.match(why.body, /answers wrong keys of the address 127.0.0.1 only every 3 s/);
  });
});

describe("WrongKeys", () => {
  let clock: ManualClock;
  let keys: WrongKeys;
  beforeEach(() => {
    clock = new ManualClock();
    const space = { commit: () => assert.fail("it does not lead") };
    const standing = { ...standsAlone({} as never, () => ""), isLeading: false };
    keys = new WrongKeys({ clock, log: silent, space: space as never, standing });
  });
  const no = new CanopyError("unauthenticated", "no");
  const judge = (remoteAddress: string, key: string) =>
    keys.judge({ headers: {}, socket: { remoteAddress } as never }, key, no);
  const isLimited = (thrown: unknown) => (thrown as CanopyError).code === "limited";

  it("lets one more wrong key through each time that limits.wrongKeyMs has passed", async () => {
    for (let time = 0; time < limits.wrongKeysMax; time++) judge("10.0.0.1", `k${time}`);
    assert.ok(isLimited(judge("10.0.0.1", "k")));
    await clock.advance(limits.wrongKeyMs);
    assert.equal(judge("10.0.0.1", "k"), no);
    assert.ok(isLimited(judge("10.0.0.1", "k")));
  });

  it("counts one wrong key from many addresses, and all addresses of one network of IPv6", () => {
    for (let time = 0; time < limits.wrongKeysMax; time++) judge(`10.0.0.${time}`, "leaked");
    assert.ok(isLimited(judge("10.0.1.1", "leaked")));
    assert.equal(judge("10.0.1.1", "another"), no);
    for (let time = 0; time < limits.wrongKeysMax; time++)
      judge(`2001:db8:1:2:${time}::1`, `k${time}`);
    assert.ok(isLimited(judge("2001:db8:1:2:ffff::1", "k")));
    assert.equal(judge("2001:db8:1:3::1", "k2"), no);
  });

  it("takes nothing else for a wrong key", () => {
    const other = new CanopyError("forbidden", "no");
    for (let time = 0; time < 100; time++)
      assert.equal(keys.judge({ headers: {}, socket: {} as never }, "k", other), other);
  });
});
