import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  checkLinearizable,
  judgeRecord,
  recordModel,
  type Model,
  type Operation,
  type RecordInput,
  type RecordOutput,
} from "./linearizability.ts";

type Call = Operation<RecordInput, RecordOutput>;

const model = recordModel({ revision: 1, value: "a" });
const read = { type: "read" } as const;
const write = (value: string) => ({ type: "write", value }) as const;
const swap = (expected: number, value: string) => ({ type: "swap", expected, value }) as const;
const is = (revision: number, value: string) => ({ revision, value });

const call = (
  calledAt: number,
  answeredAt: number,
  input: RecordInput,
  output?: RecordOutput,
): Call => ({ input, output, calledAt, answeredAt });

const isLinearizable = (history: Call[]) => checkLinearizable(model, history).linearizable;

describe("checkLinearizable()", () => {
  test("accepts nothing, and what came one after the other", () => {
    assert.ok(isLinearizable([]));
    assert.deepEqual(
      checkLinearizable(model, [
        call(0, 1, read, is(1, "a")),
        call(2, 3, write("b"), is(2, "b")),
        call(4, 5, swap(2, "c"), is(3, "c")),
        call(6, 7, swap(2, "d"), "conflict"),
        call(8, 9, read, is(3, "c")),
      ]),
      { linearizable: true, order: [0, 1, 2, 3, 4] },
    );
  });

  test("lets a read beside a write see either", () => {
    for (const seen of [is(1, "a"), is(2, "b")])
      assert.ok(isLinearizable([call(0, 10, write("b"), is(2, "b")), call(1, 9, read, seen)]));
  });

  test("refuses a read of what was overwritten before it began", () => {
    const verdict = checkLinearizable(model, [
      call(0, 1, write("b"), is(2, "b")),
      call(2, 3, read, is(1, "a")),
    ]);
    assert.deepEqual(verdict, { linearizable: false, longest: [0], stuck: [1] });
  });

  test("refuses two readers who saw two writes in different orders", () => {
    const writes = [call(0, 100, write("b")), call(0, 100, write("c"))];
    const reads = (first: [string, string], second: [string, string]) => [
      call(1, 2, read, is(2, first[0])),
      call(3, 4, read, is(3, first[1])),
      call(5, 6, read, is(second[0] === first[1] ? 3 : 2, second[0])),
    ];
    assert.ok(isLinearizable([...writes, ...reads(["b", "c"], ["c", ""])]));
    assert.ok(!isLinearizable([...writes, ...reads(["b", "c"], ["b", ""])]));
  });

  test("refuses two swaps of one revision that both succeeded: a lost update", () => {
    assert.ok(
      !isLinearizable([
        call(0, 10, swap(1, "b"), is(2, "b")),
        call(0, 10, swap(1, "c"), is(2, "c")),
      ]),
    );
    assert.ok(
      isLinearizable([
        call(0, 10, swap(1, "b"), is(2, "b")),
        call(0, 10, swap(1, "c"), "conflict"),
      ]),
    );
  });

  test("refuses a conflict over a revision that nobody had changed", () => {
    assert.ok(!isLinearizable([call(0, 1, swap(1, "b"), "conflict")]));
  });

  test("takes a call without an answer as done at any time after it, or never", () => {
    const lost = call(0, 1, write("b"));
    assert.ok(isLinearizable([lost]));
    assert.ok(isLinearizable([lost, call(2, 3, read, is(1, "a"))]));
    assert.ok(isLinearizable([lost, call(2, 3, read, is(1, "a")), call(4, 5, read, is(2, "b"))]));
    assert.ok(!isLinearizable([lost, call(2, 3, read, is(2, "b")), call(4, 5, read, is(1, "a"))]));
    assert.ok(!isLinearizable([call(0, 1, read, is(2, "b")), call(2, 3, write("b"))]));
  });

  test("refuses an acknowledged write that is not there after a restart", () => {
    assert.ok(
      !isLinearizable([
        call(0, 1, write("b"), is(2, "b")),
        call(2, 3, write("c"), is(2, "c")),
        call(4, 5, read, is(2, "c")),
      ]),
    );
  });

  test("says that it cannot judge, rather than judge wrongly, when there is too much to try", () => {
    const many = Array.from({ length: 30 }, (_, index) => call(0, 1, write(`${index}`)));
    const hopeless = [...many, call(2, 3, read, is(99, "never"))];
    assert.throws(() => checkLinearizable(model, hopeless, 10_000), /more than 10000 states/);
  });

  test("agrees with trying every order, on any short history", () => {
    const met = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(anyCall, { maxLength: 6 }), (history) => {
        const expected = triesEveryOrder(model, history);
        assert.equal(isLinearizable(history), expected);
        assert.equal(judgeRecord({ revision: 1, value: "a" }, history).linearizable, expected);
        met[expected ? "accepted" : "refused"] += 1;
      }),
      { numRuns: 3000 },
    );
    assert.ok(met.accepted > 100 && met.refused > 100, JSON.stringify(met));
  });

  test("accepts what a record did that carries out one call at a time", () => {
    fc.assert(
      fc.property(madeHistory, (history) => {
        assert.ok(isLinearizable(history));
      }),
      { numRuns: 500 },
    );
  });

  test("refuses the same with an answer of its own changed", () => {
    let refused = 0;
    fc.assert(
      fc.property(madeHistory, fc.nat(), (history, pick) => {
        const answered = history.flatMap(({ output }, at) =>
          output !== undefined && output !== "conflict" ? [at] : [],
        );
        fc.pre(answered.length > 0);
        const at = answered[pick % answered.length]!;
        const changed = history.with(at, { ...history[at]!, output: is(1_000_000, "x") });
        assert.ok(!isLinearizable(changed));
        refused += 1;
      }),
      { numRuns: 300 },
    );
    assert.ok(refused > 100);
  });

  test("refuses the same with an acknowledged change taken out that someone saw past", () => {
    let refused = 0;
    fc.assert(
      fc.property(madeHistory, fc.nat(), (history, pick) => {
        const revisions = history.map(({ output }) =>
          output === undefined || output === "conflict" ? 0 : output.revision,
        );
        const newest = Math.max(0, ...revisions);
        const changes = history.flatMap(({ input, output }, at) =>
          input.type !== "read" && typeof output === "object" && output.revision < newest
            ? [at]
            : [],
        );
        // A call without an answer might have stood in for it.
        fc.pre(changes.length > 0 && history.every(({ output }) => output !== undefined));
        assert.ok(!isLinearizable(history.toSpliced(changes[pick % changes.length]!, 1)));
        refused += 1;
      }),
      { numRuns: 300 },
    );
    assert.ok(refused > 50);
  });
});

test("judgeRecord() judges calls of which most had no answer", () => {
  const initial = { revision: 1, value: "a" };
  const lost = Array.from({ length: 60 }, (_, at) =>
    call(at, at, [write(`w${at}`), swap(1 + (at % 7), `s${at}`), read][at % 3]!),
  );
  const calls = [...lost, call(70, 71, read, is(6, "w3")), call(80, 81, write("b"), is(9, "b"))];
  const judge = (newest: RecordOutput) =>
    judgeRecord(initial, [...calls, call(90, 91, read, newest)], 100_000).linearizable;
  assert.equal(judge(is(9, "b")), true);
  assert.equal(judge(is(11, "w6")), true);
  assert.equal(judge(is(9, "w3")), false);
  assert.equal(judge(is(99, "b")), false);
});

const anyInput = fc.oneof(
  fc.constant(read),
  fc.constantFrom("b", "c").map(write),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom("b", "c")).map(([r, v]) => swap(r, v)),
);

const anyCall = fc
  .record({
    input: anyInput,
    output: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom("a", "b", "c")),
      },
      { weight: 2, arbitrary: fc.constantFrom("conflict" as const, undefined, undefined) },
    ),
    calledAt: fc.integer({ min: 0, max: 8 }),
    tookMs: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ input, output, calledAt, tookMs }): Call =>
    call(calledAt, calledAt + tookMs, input, Array.isArray(output) ? is(...output) : output),
  );

/** Calls carried out one at a time in order, told of as overlapping, some of them without an answer. */
const madeHistory = fc
  .array(
    fc.record({
      type: fc.constantFrom("read", "write", "swap", "swap-old"),
      earlier: fc.integer({ min: 0, max: 30 }),
      later: fc.integer({ min: 0, max: 30 }),
      fate: fc.constantFrom("told", "told", "told", "told", "told", "told", "untold", "not done"),
    }),
    { maxLength: 40 },
  )
  .map((steps) => {
    let now = is(1, "a");
    return steps.map(({ type, earlier, later, fate }, at): Call => {
      const value = `v${at}`;
      const expected = type === "swap" ? now.revision : now.revision - 1;
      const input =
        type === "read" ? read : type === "write" ? write(value) : swap(expected, value);
      const fails = type === "swap-old";
      if (fate !== "not done" && type !== "read" && !fails) now = is(now.revision + 1, value);
      const output = fate !== "told" ? undefined : fails ? "conflict" : now;
      return call(at * 10 - earlier, at * 10 + later, input, output);
    });
  });

/** The definition itself: some order that keeps to time and that the model allows. */
function triesEveryOrder<State>(
  { initial, step }: Model<State, RecordInput, RecordOutput>,
  history: Call[],
): boolean {
  const goesOn = (state: State, left: Call[]): boolean => {
    const answered = left.filter(({ output }) => output !== undefined);
    if (answered.length === 0) return true;
    return left.some((next) => {
      const isLate = answered.some((other) => other !== next && other.answeredAt < next.calledAt);
      if (isLate) return false;
      const after = step(state, next.input, next.output);
      return (
        after !== undefined &&
        goesOn(
          after,
          left.filter((other) => other !== next),
        )
      );
    });
  };
  return goesOn(initial, history);
}
