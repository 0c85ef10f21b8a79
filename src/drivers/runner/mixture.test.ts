import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FunctionRun } from "#/model/task.ts";
import { briefOf, Rig, type Ended } from "../testing/rig.ts";
import { runnerDriver } from "./runner.ts";

const behaviours = {
  quick: { body: "return n;" },
  slow: { body: "const until = Date.now() + 15; while (Date.now() < until); return n;" },
  waits: { body: "return new Promise((wake) => setTimeout(wake, 5, n));" },
  throws: { body: "throw new Error('no');", reason: "threw" },
  exits: { body: "process.exit(3);", reason: "exited" },
  crashes: { body: "process.kill(process.pid, 'SIGSEGV');", reason: "signalled" },
  spins: { body: "for (;;);", reason: "timed-out" },
  forgets: { body: "Promise.reject(new Error('lost')); return n;", reason: "threw" },
  cancelled: {
    body: "return new Promise((wake) => setTimeout(wake, 30, n));",
    reason: "cancelled",
  },
} satisfies Record<string, { body: string; reason?: string }>;

type Name = keyof typeof behaviours;
const names = Object.keys(behaviours) as Name[];
const source = names
  .map((name) => `export function ${name}(n) { ${behaviours[name].body} }`)
  .join("\n");

test("whatever comes in whatever order, each task ends once and as its own code deserves", async (t) => {
  const rig = await Rig.make(runnerDriver);
  t.after(() => rig.close());
  const module = await rig.module(source);
  const briefs = new Map(
    names.map((name) => {
      const run: FunctionRun = { driver: "runner", module, function: name, role: "task" };
      return [name, briefOf({ run, timeoutMs: 400 })];
    }),
  );
  const rare = fc.constantFrom<Name>("exits", "crashes", "spins", "cancelled");
  const common = fc.constantFrom<Name>("quick", "slow", "waits", "throws", "forgets");
  const mixture = fc.array(
    fc.oneof({ weight: 30, arbitrary: common }, { weight: 1, arbitrary: rare }),
    {
      minLength: 60,
      maxLength: 120,
    },
  );
  await fc.assert(
    fc.asyncProperty(mixture, async (kinds) => {
      const tasks = kinds.map((kind, n) =>
        rig.run(briefs.get(kind)!, `j1/${kind}`, { input: `[${n}]` }),
      );
      kinds.forEach((kind, n) => kind === "cancelled" && rig.driver.cancel(tasks[n]!.work));
      for (const [n, kind] of kinds.entries()) checkEnd(await tasks[n]!, kind, n);
    }),
    { numRuns: 2 },
  );
});

function checkEnd({ error, result }: Ended, kind: Name, n: number): void {
  const { reason } = behaviours[kind] as { reason?: string };
  if (kind === "cancelled" && error === undefined) return; // it may end before it is made to
  assert.equal(error?.reason, reason, `${kind}: ${error?.message ?? "it succeeded"}`);
  if (reason === undefined) assert.equal(result, String(n));
}
