import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { World } from "./world.ts";

describe("run()", () => {
  test("ends with what happens without rest", async () => {
    const world = new World(1);
    const again = () => void world.after(0.001, undefined, "again", again);
    again();
    await assert.rejects(
      world.run(() => false),
      /'again' of the world happens without rest/,
    );
  });

  test("ends with what still happens after the deadline", async () => {
    const world = new World(1);
    const again = () => void world.after(1000, undefined, "again", again);
    again();
    world.deadlineMs = 60_000;
    await assert.rejects(
      world.run(() => false),
      /'again' of the world still happens after 60 s/,
    );
  });
});
