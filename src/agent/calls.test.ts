import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { HttpRequest, HttpResponse, Network } from "#/base/network.ts";
import { textOf } from "#/base/body.ts";
import { Calls } from "./calls.ts";
import { ControlPlanes } from "./control-planes.ts";

const [one, two] = ["http://one:1", "http://two:1"];

/** Calls over a network that the test answers. */
function rigOf(answer: (request: HttpRequest, number: number) => Promise<HttpResponse>) {
  const clock = new ManualClock();
  const planes = new ControlPlanes([one, two], []);
  const asked: string[] = [];
  const request = (wish: HttpRequest) => answer(wish, asked.push(wish.url));
  const calls = new Calls({ clock, network: { request } as unknown as Network }, planes, "key");
  const get = (waits?: boolean) =>
    calls.ask({
      method: "GET",
      path: "/x",
      read: ({ body }) => textOf(body),
      ...(waits === false && { waits }),
    });
  return { clock, planes, asked, calls, get };
}

const whole = async function* (text: string) {
  yield Buffer.from(text);
};

const answered = (status: number, body: AsyncIterable<Uint8Array> = whole("{}")) =>
  Promise.resolve({ status, headers: {}, body });

describe("Calls", () => {
  it("waits for a link however long, and then asks over it", async () => {
    const { clock, planes, asked, get } = rigOf(() => answered(200, whole("content")));
    const content = get();
    await clock.advance(60 * 60_000);
    assert.deepEqual(asked, []);
    planes.arrived(two);
    assert.equal(await content, "content");
    assert.deepEqual(asked, [`${two}/x`]);
  });

  it("does not wait when it is told so", async () => {
    const { get } = rigOf(() => assert.fail("it was asked"));
    await assert.rejects(get(false), { code: "unavailable" });
  });

  it("asks again for an answer that breaks off", async () => {
    const broken = async function* () {
      yield Buffer.from("con");
      throw new CanopyError("unavailable", "terminated");
    };
    const { clock, planes, get } = rigOf((_, number) =>
      answered(200, number === 1 ? broken() : whole("content")),
    );
    planes.arrived(one);
    const content = get();
    await clock.advance(limits.reconnectMsMax);
    assert.equal(await content, "content");
  });

  it("asks the next control plane when the link to one is gone that never answered", async () => {
    const { clock, planes, asked, get } = rigOf(({ signal }, number) =>
      number > 1
        ? answered(200, whole("content"))
        : new Promise((_, reject) => {
            signal!.addEventListener("abort", () => reject(signal!.reason as Error));
          }),
    );
    planes.arrived(one);
    const content = get();
    await clock.advance(limits.linkSilentMs);
    planes.left(one, "cut");
    planes.arrived(two);
    await clock.advance(limits.reconnectMsMax);
    assert.equal(await content, "content");
    assert.deepEqual(asked, [`${one}/x`, `${two}/x`]);
  });

  it("gives up on a control plane that is there and has no time, and at once on a refusal", async () => {
    let status = 503;
    const { clock, planes, asked, get } = rigOf(() => answered(status));
    planes.arrived(one);
    const busy = assert.rejects(get(), { code: "unavailable" });
    await clock.advance(60_000);
    await busy;
    assert.equal(asked.length, limits.agentCallTries);
    status = 404;
    await assert.rejects(get(), { code: "not-found" });
    assert.equal(asked.length, limits.agentCallTries + 1);
  });

  it("ends what waits when the agent stops", async () => {
    const { calls, get } = rigOf(() => answered(200));
    const waiting = assert.rejects(get(), { code: "unavailable", message: /stops/ });
    calls.close();
    await waiting;
    await assert.rejects(get(), { message: /stops/ });
  });
});
