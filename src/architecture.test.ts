import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { faultsOf, lockfileFaults, versionFaults } from "../scripts/architecture.ts";
import { scan } from "../scripts/scan.ts";

const root = join(import.meta.dirname, "..");
const packageJson = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
  "dependencies" | "devDependencies" | "optionalDependencies",
  Record<string, string>
>;

test("the tree keeps its rules: directions, circles, the seam, names, lengths, packages", async () => {
  const paths = await Array.fromAsync(
    glob("{src,scripts,bench,examples,e2e,chaos,sim}/**/*.{ts,tsx,mjs}", { cwd: root }),
  );
  const own = paths.filter(
    (path) => !path.includes("node_modules") && !path.startsWith("bench/peers/"),
  );
  const texts = await Promise.all(own.map((path) => readFile(join(root, path), "utf8")));
  const faults = faultsOf({
    sources: new Map(own.map((path, index) => [path, texts[index]!])),
    dependencies: Object.keys(packageJson.dependencies),
    devDependencies: Object.keys(packageJson.devDependencies),
  });
  assert.ok(own.length > 50, `only ${own.length} files were found`);
  assert.deepEqual(faults, []);
});

test("package.json and the lockfile name exact versions and no registry", () => {
  assert.deepEqual(lockfileFaults(readFileSync(join(root, "package-lock.json"), "utf8")), []);
  const { dependencies, devDependencies, optionalDependencies } = packageJson;
  assert.deepEqual(
    versionFaults({ ...dependencies, ...devDependencies, ...optionalDependencies }),
    [],
  );
});

test("files that the documents name are there", () => {
  for (const document of [
    "ARCHITECTURE.md",
    "STYLE.md",
    "README.md",
    "SECURITY.md",
    "docs/reliability.md",
  ]) {
    const text = readFileSync(join(root, document), "utf8");
    const named = text.matchAll(/`((?:src|e2e|examples|bench|scripts|docs|chaos|sim)\/[\w./-]+)`/g);
    for (const [, path] of named)
      assert.ok(existsSync(join(root, path!)), `${document} names ${path}`);
  }
});

/** Faults of a made-up tree, in which every file named exists. */
function faults(sources: Record<string, string>): string[] {
  return faultsOf({
    sources: new Map(Object.entries(sources)),
    dependencies: ["zod"],
    devDependencies: ["fast-check", "@types/node"],
  });
}

const empty = {
  "src/base/clock.ts": "",
  "src/model/job.ts": "",
  "src/space/space.ts": "",
  "src/jobs/jobs.ts": "",
};

describe("faultsOf()", () => {
  test("finds nothing wrong with imports that point down", () => {
    assert.deepEqual(
      faults({
        ...empty,
        "src/scheduler/take.ts":
          'import type { Job } from "#/model/job.ts";\nimport { Space } from "../space/space.ts";\nimport z from "zod";\n',
        "src/cloud.ts": 'import { take } from "./scheduler/take.ts";\nimport "#/jobs/jobs.ts";\n',
        "src/jobs/jobs.test.ts":
          'import fc from "fast-check";\nimport { take } from "#/scheduler/take.ts";\nDate.now();\n',
      }),
      [],
    );
  });

  test("finds imports that point up or sideways, of types too, and lazy ones", () => {
    assert.match(
      faults({ ...empty, "src/model/a.ts": 'import "#/space/space.ts";' })[0]!,
      /^src\/model\/a.ts:1 .*upwards/,
    );
    const sideways = 'import type {\n  Jobs,\n} from "#/jobs/jobs.ts";';
    assert.match(
      faults({ ...empty, "src/agent/a.ts": sideways })[0]!,
      /^src\/agent\/a.ts:3 .*agent may import only/,
    );
    const neighbour = 'import type { Jobs } from "#/jobs/jobs.ts";';
    assert.match(faults({ ...empty, "src/scheduler/a.ts": neighbour })[0]!, /a neighbour/);
    assert.match(
      faults({ ...empty, "src/base/a.ts": 'await import("#/model/job.ts");' })[0]!,
      /upwards/,
    );
    assert.match(
      faults({ ...empty, "src/sdk/a.ts": 'import "#/space/space.ts";' })[0]!,
      /sdk may import only base, model/,
    );
    assert.match(
      faults({ ...empty, "examples/a.ts": 'import "../src/base/clock.ts";' })[0]!,
      /an example is a user/,
    );
    for (const judge of ["chaos/a.ts", "src/base/testing/a.ts"]) {
      const source = 'import "#/base/clock.ts";';
      assert.match(faults({ ...empty, [judge]: source })[0]!, /shares nothing with it/);
    }
    assert.deepEqual(
      faults({
        "chaos/a.ts": 'import "#/base/testing/b.ts";',
        "src/base/testing/b.ts": "export const b = 1;",
      }),
      [],
    );
    assert.match(
      faults({ ...empty, "src/thing/a.ts": 'import "#/base/clock.ts";' })[0]!,
      /unknown room 'thing'/,
    );
  });

  test("finds circles of files, but not of types", () => {
    const circle = {
      "src/base/a.ts": 'import "./b.ts";',
      "src/base/b.ts": 'import { c } from "./c.ts";',
    };
    assert.deepEqual(
      faults({ ...circle, "src/base/c.ts": 'export { a } from "./a.ts";\nexport const c = 1;' }),
      ["these import each other in a circle: src/base/a.ts → src/base/b.ts → src/base/c.ts"],
    );
    assert.deepEqual(
      faults({ ...circle, "src/base/c.ts": 'import type { A } from "./a.ts";' }),
      [],
    );
  });

  test("finds what touches the world outside the stated places", () => {
    const touches = [
      "Date.now()",
      "new Date()",
      "Math.random()",
      "process.env.HOME",
      "setTimeout(() => {}, 1)",
      "performance.now()",
      "const id = randomUUID();",
      'import { existsSync, readFileSync } from "node:fs";',
      'const { spawn } = await import("node:child_process");',
      'await fetch("http://x");',
    ];
    for (const source of touches) {
      assert.equal(faults({ "src/jobs/a.ts": source }).length, 1, source);
      assert.deepEqual(faults({ "src/base/node/a.ts": source }), [], source);
      assert.deepEqual(faults({ "src/drivers/runner/child.ts": source }), [], source);
    }
    const clean = [
      "new Date(atMs)",
      "clock.setTimeout(1)",
      '"Date.now()"',
      "// Math.random()",
      "`${a} process.env ${`Date.now()`}`",
      "a / 2; /* Date.now() */ b / 3",
      "/[/'\"]Math.random/.test(text)",
      "function get({ fetch }) { return fetch(url); }",
      'import type { Stats } from "node:fs";',
    ];
    for (const source of clean) assert.deepEqual(faults({ "src/jobs/a.ts": source }), [], source);
    assert.equal(
      faults({ "src/jobs/a.ts": "`${Date.now()}`; /* */ '' + Math.random()" }).length,
      2,
    );
  });

  test("finds names that say nothing, files too long, .tsx, barrels, packages not listed", () => {
    assert.match(faults({ "src/base/utils.ts": "" })[0]!, /'utils' in its name/);
    assert.match(faults({ "src/core/a.ts": "" })[0]!, /'core' in its name/);
    assert.match(faults({ "src/jobs/task-manager.test.ts": "" })[0]!, /'manager' in its name/);
    assert.deepEqual(faults({ "src/base/a.ts": "\n".repeat(500), "src/base/score.ts": "" }), []);
    assert.match(faults({ "src/base/a.ts": "\n".repeat(501) })[0]!, /501 lines/);
    assert.match(faults({ "src/cli/top.tsx": "" })[0]!, /Node does not run/);
    assert.match(
      faults({ ...empty, "src/base/a.ts": 'export * from "./clock.ts";' })[0]!,
      /only re-exports/,
    );
    assert.match(
      faults({ ...empty, "src/jobs/a.ts": 'export { x } from "#/base/clock.ts";\nlet a;' })[0]!,
      /of another room/,
    );
    assert.match(faults({ "src/base/a.ts": 'import "left-pad/x";' })[0]!, /'left-pad'/);
    assert.match(faults({ "src/base/a.ts": 'import fc from "fast-check";' })[0]!, /'fast-check'/);
    assert.match(faults({ "src/base/a.ts": 'import "./gone.ts";' })[0]!, /no file/);
  });
});

test("scan() keeps every place where it was", () => {
  const source = "a /* b\n */ 'c' `d${ {e: \"}\"} }f`; /g[/]'/ // h\n";
  const code = "a     \n    ' ' ` ${ {e: \" \"} } `; /     /     \n";
  assert.equal(scan(source).code, code);
});

test("lockfileFaults() and versionFaults() find addresses and ranges", () => {
  const lock = {
    packages: {
      "": {},
      "node_modules/a": { resolved: "https://example.org/a.tgz" },
      "node_modules/b": {},
    },
  };
  assert.equal(lockfileFaults(JSON.stringify(lock)).length, 1);
  assert.deepEqual(versionFaults({ a: "1.2.3", b: "1.0.0-rc.1", c: "^1.2.3" }), [
    "package.json takes c at '^1.2.3': a version is exact",
  ]);
});
