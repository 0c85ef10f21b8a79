import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { bundleModule } from "./bundle.ts";
import { definitionOf, exportedName, type TaskDefinition } from "./definition.ts";
import { importBundle } from "./load.ts";
import { thisWorld } from "./world.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-bundle-test-"));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("bundleModule() makes one file in which tasks of all modules are found by name", async () => {
  file(
    "tasks.ts",
    'import { task } from "canopy-cloud/sdk";\nexport const half = task((n: number): number => n / 2);\nexport const main = task(() => 1);\nexport default task(() => "default");\n',
  );
  const path = file(
    "job.ts",
    'import { job } from "canopy-cloud/sdk";\nimport other, { half, main as first } from "./tasks.ts";\nexport const main = job(async (n: number) => [await half(n), await first(), await other()]);\nexport const plain = 1;\n',
  );
  const bundle = await bundleModule(path);
  assert.match(bundle.key, /^[0-9a-f]{64}$/);
  const again = await Promise.all(Array.from({ length: 12 }, () => bundleModule(path)));
  assert.deepEqual(new Set(again.map(({ key }) => key)), new Set([bundle.key]));
  const exports = await importBundle(bundle.code, thisWorld());
  const types = Object.fromEntries(
    Object.entries(exports).map(([name, value]) => [name, definitionOf(value)?.type]),
  );
  assert.deepEqual(types, {
    main: "job",
    plain: undefined,
    half: "task",
    tasks_main: "task",
    tasks: "task",
  });
  assert.equal(await (exports["half"] as (n: number) => Promise<number>)(8), 4);
  assert.equal((definitionOf(exports["tasks"]) as TaskDefinition).run(), "default");
  assert.equal(exportedName(definitionOf(exports["tasks_main"])!), "tasks_main");
});

test("bundleModule() brings packages written for require()", async () => {
  file("old.cjs", 'const path = require("path");\nmodule.exports = () => path.basename("a/b");\n');
  const path = file(
    "uses-old.ts",
    'import { task } from "canopy-cloud/sdk";\nimport old from "./old.cjs";\nconst require = 1;\nexport const base = task(() => [old(), require]);\n',
  );
  const exports = await importBundle((await bundleModule(path)).code, thisWorld());
  assert.deepEqual(await (exports["base"] as () => Promise<unknown>)(), ["b", 1]);
});

test("bundleModule() tells file, line and column of what does not compile, and what to install", async () => {
  const broken = file("broken.ts", "export const a = 1;\nexport const b = ;\n");
  await assert.rejects(bundleModule(broken), (thrown) => {
    assert.ok(thrown instanceof CanopyError && thrown.code === "invalid");
    assert.deepEqual(thrown.place, { file: broken, line: 2, column: 18 });
    return true;
  });
  const lacking = file("lacking.ts", 'import x from "no-such-package";\nexport default x;\n');
  await assert.rejects(
    bundleModule(lacking),
    (thrown) =>
      thrown instanceof CanopyError &&
      thrown.hint === "Install it with: npm install no-such-package" &&
      thrown.place?.line === 1,
  );
  await assert.rejects(
    bundleModule(join(folder, "absent.ts")),
    (thrown) => thrown instanceof CanopyError && thrown.code === "not-found",
  );
});
