import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { jobRequest, type JobRequestInput } from "#/model/job-request.ts";
import { demandOfRequest, type Seen } from "./demand.ts";
import type { Demand } from "./step-demand.ts";
import type { Past } from "./past.ts";

const nothing: Seen = () => undefined;

function step(name: string, more: object = {}): JobRequestInput["steps"][number] {
  return { name, run: { driver: "process", command: ["true"] }, ...more } as never;
}

function demand(
  steps: JobRequestInput["steps"],
  more: { past?: Past; seen?: Seen; told?: object; main?: string } = {},
) {
  const request = jobRequest.parse({ title: "t", steps, ...(more.main && { main: more.main }) });
  return demandOfRequest(request, {
    past: more.past,
    seen: more.seen ?? nothing,
    told: more.told ?? {},
  });
}

function known(found: ReturnType<typeof demand>): Demand {
  assert.ok("kinds" in found, JSON.stringify(found));
  return found;
}

describe("demandOfRequest()", () => {
  test("counts inputs and combinations, with run times that were seen", () => {
    const seen: Seen = (title) =>
      title === "a" ? { count: 50, meanMs: 1000, variance: 0 } : undefined;
    const sweep = { type: "grid", parameters: { n: { from: 1, to: 10 }, m: ["x", "y"] } };
    const { kinds } = known(demand([step("a", { source: sweep })], { seen }));
    assert.deepEqual(
      kinds.map(({ tasks, meanMs, seen }) => [tasks, meanMs, seen]),
      [[20, 1000, 50]],
    );
  });

  test("takes a person's word for what nobody has seen, and says so", () => {
    const { kinds } = known(demand([step("a")], { told: { taskMs: 2000 } }));
    assert.deepEqual(
      kinds.map(({ meanMs, seen }) => [meanMs, seen]),
      [[2000, "told"]],
    );
  });

  test("names what it does not know", () => {
    assert.deepEqual(demand([step("a")]), { unknown: "run time", kind: "a" });
    const lines = { source: { type: "list" } };
    assert.deepEqual(demand([step("a", lines)], { told: { taskMs: 1 } }), {
      unknown: "tasks",
      kind: "a",
    });
  });

  test("finds the longest chain of steps that wait for each other", () => {
    const seen: Seen = (title) => ({
      count: 9,
      meanMs: { a: 10, b: 20, c: 30, d: 5 }[title]!,
      variance: 0,
    });
    const steps = [
      step("a"),
      step("b", { after: ["a"] }),
      step("c", { after: ["a"] }),
      step("d", { after: ["b", "c"] }),
    ];
    assert.equal(known(demand(steps, { seen })).chainMs, 45);
  });

  test("counts the files that a task takes of those before it: as stated, else as they were made the last time", () => {
    const seen: Seen = () => ({ count: 9, meanMs: 10, variance: 0 });
    const takes = (from: string) => ({
      after: [from],
      inputs: [{ path: "f", from: { step: from, output: "f" } }],
    });
    const stated = { type: "inputs", inputs: [{ writes: { f: 5000, g: 1 } }] };
    const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
    const kind = { tasks: 1, needs, driver: "process", meanMs: 1, retried: 0 };
    const past: Past = {
      job: "j",
      kinds: new Map([["b", { ...kind, title: "b", madeBytes: 300 }]]),
      chainMs: 0,
    };
    const steps = [
      step("a", { source: stated }),
      step("b", takes("a")),
      step("c", { ...takes("b"), title: "b" }),
      step("d", takes("c")),
    ];
    const { kinds } = known(demand(steps, { seen, past }));
    assert.deepEqual(
      kinds.map(({ kind: name, takesBytes }) => [name, takesBytes]),
      [
        ["a", undefined],
        ["b", (5000 + 300) / 2],
        ["d", 300],
      ],
    );
  });

  const job = { run: { driver: "runner", module: "0".repeat(64), function: "main", role: "job" } };

  test("expects of a job written as a function what it made the last time", () => {
    const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
    const kinds = new Map([
      [
        "square",
        {
          title: "square",
          tasks: 40,
          needs,
          driver: "runner",
          meanMs: 500,
          retried: 0.1,
          madeBytes: 0,
        },
      ],
    ]);
    const past: Past = { job: "j", kinds, chainMs: 700 };
    const found = known(demand([step("main", job)], { main: "main", past }));
    assert.deepEqual(
      found.kinds.map(({ kind, tasks, meanMs }) => [kind, tasks, meanMs]),
      [["square", 40, 500]],
    );
    assert.equal(found.chainMs, 700);
    assert.equal(found.kinds[0]!.retried, 0.1);
    const twice = known(demand([step("main", job)], { main: "main", past, told: { tasks: 80 } }));
    assert.equal(twice.kinds[0]!.tasks, 80);
  });

  test("knows nothing of a function that never ran, but what was told", () => {
    assert.deepEqual(demand([step("main", job)], { main: "main" }), {
      unknown: "tasks",
      kind: "t",
    });
    const found = known(
      demand([step("main", { ...job, needs: { cpus: 0 } })], {
        main: "main",
        told: { tasks: 10, taskMs: 100 },
      }),
    );
    assert.equal(found.kinds[0]!.tasks, 10);
    // The code that makes them holds no CPU; they do.
    assert.equal(found.kinds[0]!.needs.milliCpus, 1000);
  });
});
