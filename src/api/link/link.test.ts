import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { Link } from "#/base/network.ts";
import type { DoorParts } from "../parts.ts";
import { serveLink } from "./link.ts";
import { Relay } from "./relay.ts";

function silentLink() {
  const clock = new ManualClock();
  const closed: (string | undefined)[] = [];
  const link: Link = {
    send() {},
    bufferedBytes: () => 0,
    close: (reason) => void closed.push(reason),
    onMessage() {},
    onClose() {},
  };
  serveLink({ clock, log: silent, relay: new Relay(clock) } as unknown as DoorParts, "m1", link);
  return { clock, link, closed };
}

describe("serveLink()", () => {
  it("ends a link on which nothing is heard for a whole lease", async () => {
    const { clock, closed } = silentLink();
    await clock.advance(limits.leaseMs - 1);
    assert.deepEqual(closed, []);
    await clock.advance(limits.leaseMs);
    assert.match(closed[0]!, /nothing was heard/);
  });
});

describe("Relay", () => {
  it("asks one machine for so many segments at once, and waits for one so long", async () => {
    const clock = new ManualClock();
    const relay = new Relay(clock);
    const sent: object[] = [];
    relay.add("m1", { send: (message) => void sent.push(message), cut() {} });
    const asked = Array.from({ length: limits.relaysMax }, (_, at) =>
      assert.rejects(relay.fetch("m1", `j1/0/${at}/0`), { code: "timeout" }),
    );
    await assert.rejects(relay.fetch("m1", "j1/0/99/0"), { code: "limited" });
    assert.equal(sent.length, limits.relaysMax);
    relay.answered("m2", 1, "AAAA"); // not the one that was asked
    await clock.advance(limits.relayMs);
    await Promise.all(asked);
  });
});
