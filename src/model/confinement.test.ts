import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { confine, isRuled, sitesOf, type DataRule } from "./confinement.ts";
import { jobRequest, type StepRequestInput } from "./job-request.ts";

const key = (digit: string) => digit.repeat(64);
const rules: DataRule[] = [
  { blobs: "patients/", sites: ["lab", "vault"] },
  { blobs: key("b"), sites: ["vault", "aws"] },
];

function step(name: string, more: Partial<StepRequestInput> = {}): StepRequestInput {
  return { name, run: { driver: "process", command: ["true"] }, ...more };
}

const reads = (path: string, blob: string) => [{ path, from: { blob } }];

function bound(
  steps: StepRequestInput[],
  more: { main?: string } = {},
  marked = new Map<string, string[]>(),
) {
  const found = confine(jobRequest.parse({ title: "t", steps, ...more }), rules, marked);
  const sites = Object.fromEntries(found.steps.map(({ name, needs }) => [name, needs.sites]));
  return { ...found, sites };
}

describe("isRuled()", () => {
  test("knows folders, single paths, keys and patterns", () => {
    const is = (blobs: string, name: string) => isRuled({ blobs, sites: [] }, name);
    assert.ok(is("patients/", "patients/a.csv") && !is("patients/", "my/patients/a.csv"));
    assert.ok(is("a.csv", "a.csv") && !is("a.csv", "xa.csv") && !is("a.csv", "a-csv"));
    assert.ok(is("*.dcm", "scans/1.dcm") && !is("*.dcm", "1.dcm.txt"));
    assert.ok(is("*/patients/", "my/patients/1"));
  });
});

describe("confine()", () => {
  test("binds what reads, what comes after, and nothing else", () => {
    const { sites, marks } = bound([
      step("read", { inputs: reads("patients/1.csv", key("a")), outputs: [{ path: "out" }] }),
      step("use", { inputs: [{ path: "x", from: { step: "read", output: "out" } }] }),
      step("last", { after: ["use"] }),
      step("other", { inputs: reads("weather.csv", key("c")) }),
    ]);
    const both = ["lab", "vault"];
    assert.deepEqual(sites, { read: both, use: both, last: both, other: undefined });
    assert.deepEqual([...marks], [[key("a"), ["patients/"]]]);
  });

  test("knows a blob again under another path, and lines by their key", () => {
    const marked = new Map([[key("a"), ["patients/"]]]);
    const again = bound([step("read", { inputs: reads("harmless.csv", key("a")) })], {}, marked);
    assert.deepEqual(again.sites["read"], ["lab", "vault"]);
    const lines = bound([step("each", { source: { type: "lines", blob: key("b") } })]);
    assert.deepEqual(lines.sites["each"], ["vault", "aws"]);
  });

  test("leaves the sites that all rules and the task's own needs allow, and says where none is left", () => {
    const inputs = [...reads("patients/1", key("a")), ...reads("x", key("b"))];
    assert.deepEqual(bound([step("both", { inputs })]).sites["both"], ["vault"]);
    const { clash } = bound([step("both", { inputs, needs: { sites: ["lab"] } })]);
    assert.deepEqual(clash, { step: "both", rules: [key("b"), "patients/"].sort() });
  });

  test("binds a job's own code, and all that it makes, with what it reads", () => {
    const run = { driver: "runner", module: key("0"), function: "main", role: "job" } as const;
    const inputs = reads("patients/1", key("a"));
    const { sites } = bound([step("main", { run }), step("one", { inputs }), step("two")], {
      main: "main",
    });
    assert.deepEqual(new Set(Object.values(sites).map(String)), new Set(["lab,vault"]));
  });

  test("takes nobody's word for what it is bound by", () => {
    const given = { sites: ["aws"], confinedBy: ["patients/"] };
    const { steps } = bound([step("free", { needs: given })]);
    assert.deepEqual(steps[0]!.needs.confinedBy, undefined);
    assert.deepEqual(steps[0]!.needs.sites, ["aws"]);
  });
});

test("sitesOf() are those that every named rule allows", () => {
  assert.deepEqual(sitesOf(rules, new Set(["patients/", key("b")])), ["vault"]);
  assert.equal(sitesOf(rules, new Set(["gone/"])), undefined);
});
