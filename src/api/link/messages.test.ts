import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { CanopyError } from "#/base/errors.ts";
import { parseMessage } from "./messages.ts";

const usage = { startedAt: 1, wallMs: 1, cpuMs: 1, memoryBytes: 1, readBytes: 0, writtenBytes: 0 };
const report = { task: "j1/0/0", fence: 1, usage, result: "1" };
const finish = (reports: unknown) => JSON.stringify({ type: "finish", number: 1, reports });

describe("parseMessage()", () => {
  it("takes reports of every kind as they are", () => {
    const reports = [
      report,
      {
        ...report,
        result: undefined,
        resultBlob: "a".repeat(64),
        outputs: { "out.txt": "b" },
        exitCode: 0,
      },
      { ...report, error: { reason: "threw", message: "boom" }, shuffleBytes: [1, 2] },
    ];
    assert.deepEqual(parseMessage(finish(reports)), JSON.parse(finish(reports)));
  });

  it("refuses reports that are malformed in any one member", () => {
    const wrong = [
      null,
      { ...report, task: 1 },
      { ...report, fence: "1" },
      { ...report, usage: undefined },
      { ...report, usage: { ...usage, cpuMs: null } },
      { ...report, result: 1 },
      { ...report, result: "x".repeat(limits.inlineBytesMax + 1) },
      { ...report, error: { reason: 1, message: "" } },
      { ...report, outputs: { a: 1 } },
      { ...report, shuffleBytes: "1" },
      { ...report, exitCode: "0" },
    ];
    for (const one of wrong)
      assert.throws(() => parseMessage(finish([report, one])), { code: "invalid" });
    assert.throws(() => parseMessage(finish("none")), { code: "invalid" });
    assert.throws(() => parseMessage(finish(Array(limits.finishTasksMax + 1).fill(report))), {
      code: "invalid",
    });
  });

  it("throws nothing but 'invalid', whatever comes", () => {
    const any = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .record({
          type: fc.constantFrom("hello", "pull", "finish", "beat", "logs", "release", "segment"),
          reports: fc.jsonValue(),
          max: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(any, (text) => {
        try {
          parseMessage(text);
        } catch (thrown) {
          assert.ok(thrown instanceof CanopyError && thrown.code === "invalid", String(thrown));
        }
      }),
    );
  });
});
