import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { standsAlone } from "#/space/leadership.ts";
import { settled } from "./settled.ts";

describe("settled()", () => {
  it("waits for what was read to be on disk, and says so when that takes too long", async () => {
    const clock = new ManualClock();
    const durable = Promise.withResolvers<void>();
    const space = { durable: () => durable.promise };
    let isTold = false;
    const standing = standsAlone(space as never, () => "");
    const first = settled({ space: space as never, clock, standing }).then(() => (isTold = true));
    const second = assert.rejects(
      settled({ space: { durable: () => new Promise(() => {}) } as never, clock, standing }),
      {
        code: "unavailable",
      },
    );
    await clock.advance(1);
    assert.equal(isTold, false);
    durable.resolve();
    await first;
    await clock.advance(limits.settleMsMax);
    await second;
  });
});
