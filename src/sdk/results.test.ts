import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { HttpRequest } from "#/base/network.ts";
import { Client } from "./client.ts";
import { Http } from "./http.ts";
import { readStep } from "./results.ts";

const door = { url: "http://cloud.test", key: undefined, project: undefined, from: "the test" };
const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0 };
/** Waits take no time. */
const clock: Clock = {
  now: () => 0,
  monotonicMs: () => 0,
  after: (_, action) => (queueMicrotask(action), { cancel() {} }),
  soon: queueMicrotask,
};

/** A client of a cloud that tells results in this order, and whose connections break after so many lines. */
function breaking(finished: readonly number[], cuts: readonly number[]): Client {
  let turn = 0;
  const request = async ({ url }: HttpRequest) => {
    const query = new URL(url).searchParams;
    const told =
      query.get("order") === "index"
        ? finished.toSorted((a, b) => a - b).filter((index) => index >= Number(query.get("from")))
        : finished.filter((index) => !has(query.get("have") ?? "", index));
    const lines = told.map(
      (index) =>
        `${JSON.stringify({ index, result: index % 3 === 0 ? { $canopy: ["bigint", String(index)] } : index })}\n`,
    );
    lines.push(`\n${JSON.stringify({ end: { phase: "succeeded", offered: finished.length } })}\n`);
    const cut = cuts[turn++];
    return { status: 200, headers: {}, body: Readable.from(pieces(lines, cut)) };
  };
  return new Client(new Http(door, { request, dial: () => assert.fail(), clock, random }, 0));
}

/** All lines, or those before the cut. */
async function* pieces(lines: readonly string[], cut = lines.length): AsyncGenerator<Uint8Array> {
  yield Buffer.from(lines.slice(0, cut).join(""));
  if (cut < lines.length) throw new CanopyError("unavailable", "terminated");
}

function has(ranges: string, index: number): boolean {
  return ranges
    .split(",")
    .filter(Boolean)
    .some((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return index >= first! && index <= last!;
    });
}

test("readStep() tells each result once, in its order, however often its connection breaks", async () => {
  const tasks = fc.integer({ min: 0, max: 60 }).chain((count) =>
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, index) => index),
      { minLength: count, maxLength: count },
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      tasks,
      fc.array(fc.nat(20), { maxLength: 6 }),
      fc.constantFrom("index" as const, "finish" as const),
      async (finished, cuts, order) => {
        const seen: number[] = [];
        const batches = readStep(breaking(finished, cuts), "j1", 0, { order });
        for (;;) {
          const { done, value } = await batches.next();
          if (done) {
            assert.equal(value.offered, finished.length);
            break;
          }
          for (const outcome of value) {
            assert.equal(Number(outcome.value), outcome.index);
            assert.equal(typeof outcome.value, outcome.index % 3 === 0 ? "bigint" : "number");
            seen.push(outcome.index);
          }
        }
        assert.deepEqual(seen, order === "index" ? finished.toSorted((a, b) => a - b) : finished);
      },
    ),
  );
});
