import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { HttpRequest } from "#/base/network.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { startAsking } from "./ask.ts";
import { hourMs } from "#/model/units.ts";

async function asking(
  answer: (asked: HttpRequest, nowHour: number) => { status: number; body: string },
) {
  const clock = new ManualClock();
  const space = await Space.open({
    log: new MemoryLog(),
    clock,
    report: silent,
    onBroken: () => {},
  });
  const asked: HttpRequest[] = [];
  const network = {
    async request(request: HttpRequest) {
      asked.push(request);
      const { status, body } = answer(request, Math.floor(clock.now() / hourMs));
      const pieces = async function* () {
        yield Buffer.from(body);
      };
      return { status, headers: {}, body: pieces() };
    },
  };
  const loop = startAsking({
    space,
    clock,
    log: silent,
    network,
    access: { unseal: (text) => `open ${text}` },
  });
  space.commit((tx) =>
    tx.put<"carbon-zone">({
      kind: "carbon-zone",
      project: "",
      name: "GB",
      spec: { createdAt: 0, isDefault: false, url: "https://x.test/{now}/fw48h", sealed: "box" },
      status: { firstHour: 0, gramsPerKwh: [] },
    }),
  );
  await clock.advance(100);
  return { clock, asked, loop, zone: () => space.get("carbon-zone", "GB")! };
}

test("startAsking() asks a zone's URL with its token, keeps what it says, and asks again in time", async () => {
  const { clock, asked, loop, zone } = await asking((_, nowHour) => ({
    status: 200,
    body: JSON.stringify({
      data: [
        {
          from: new Date(nowHour * hourMs).toISOString(),
          intensity: { forecast: 120, actual: null },
        },
      ],
    }),
  }));
  assert.match(asked[0]!.url, /^https:\/\/x\.test\/\d{4}-\d\d-\d\dT\d\d:\d\dZ\/fw48h$/);
  assert.equal(asked[0]!.headers!["auth-token"], "open box");
  assert.deepEqual(zone().status.gramsPerKwh, [120]);
  await clock.advance(limits.carbonAskMs - 1000);
  assert.equal(asked.length, 1);
  await clock.advance(limits.carbonLookMs + 1000);
  assert.equal(asked.length, 2);
  clock.setWall(clock.now() - 5 * hourMs);
  await clock.advance(limits.carbonLookMs);
  assert.equal(asked.length, 3);
  loop.stop();
});

test("startAsking() tells why nothing came, and keeps what is known", async () => {
  const answers = [
    { status: 200, body: '{"datetime":"2030-01-01T00:00:00Z","carbonIntensity":7}' },
    { status: 401, body: "no such token" },
    { status: 200, body: "<html>" },
  ];
  const { clock, loop, zone } = await asking(() => answers.shift() ?? { status: 500, body: "" });
  const known = zone().status.gramsPerKwh;
  assert.equal(zone().status.reason, undefined);
  await clock.advance(limits.carbonAskMs + limits.carbonLookMs);
  assert.equal(zone().status.reason, "it answered 401: no such token");
  await clock.advance(limits.carbonAskMs + limits.carbonLookMs);
  assert.equal(zone().status.reason, "its answer is no JSON: <html>");
  assert.deepEqual(zone().status.gramsPerKwh, known);
  loop.stop();
});
