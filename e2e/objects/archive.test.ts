import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { canopyFile } from "../cloud.ts";
import { bytesOf, Ground } from "./ground.ts";

let ground: Ground;
const file = (name: string) => join(ground.folder, name);

before(async () => {
  ground = await Ground.start("archived", "restored");
  mkdirSync(file("tree/a"), { recursive: true });
  for (let number = 0; number < 250; number++)
    writeFileSync(file(`tree/a/${number}`), bytesOf(number * 37, number));
  writeFileSync(file("tree/large.html"), bytesOf(20 * 1024 * 1024, 9));
  await ground.mustCanopy("sync", file("tree"), "s3://archived/tree");
});
after(() => ground.stop());

const exported = async (to: string) =>
  JSON.parse(await ground.mustCanopy("export", "s3://archived/tree", to, "--json")) as {
    objects: number;
    publicKey: string;
  };

test("export is a job that brings all objects and a signed manifest, and import brings them back as they were", async () => {
  const { objects } = await exported(file("export"));
  assert.equal(objects, 251);
  const jobs = await ground.cloud.call<{ items: { title: string; phase: string }[] }>(
    "GET",
    "/v1/jobs",
  );
  assert.deepEqual(
    jobs.items.map(({ title, phase }) => [title, phase]),
    [["carry", "succeeded"]],
  );
  const [head, ...lines] = readFileSync(file("export/manifest.ndjson"), "utf8").trim().split("\n");
  assert.match(head!, /"source":"s3:\/\/archived\/tree\/".*"objects":251/);
  assert.equal(lines.length, 251);
  await ground.mustCanopy("import", file("export"), "s3://restored/tree");
  await ground.mustCanopy("sync", "s3://restored/tree", file("again"));
  await ground.must("diff", "-r", file("tree"), file("again"));
  const asked = ["--bucket", "restored", "--key", "tree/large.html"];
  assert.match(await ground.must("aws", "s3api", "head-object", ...asked), /text\/html/);
});

test("import takes nothing that was signed by others, or not at all, and nothing of another digest", async () => {
  const { publicKey } = await exported("s3://archived/copy");
  await ground.mustCanopy("sync", "s3://archived/copy", file("copy"));
  const stranger = { XDG_CONFIG_HOME: file("stranger") };
  const asStranger = (...args: string[]) => {
    const env = { ...ground.cloud.env, ...stranger };
    return ground.runIn(env, canopyFile, "objects", "import", file("copy"), ...args);
  };
  const refused = await asStranger("s3://restored/copy");
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /whom nobody here trusts/);
  // One of the files is damaged on its way: all others come, and nothing of that one.
  const line = readFileSync(file("copy/manifest.ndjson"), "utf8")
    .split("\n")
    .find((one) => one.includes('"a/7"'))!;
  const { path } = JSON.parse(line) as { path: string };
  const whole = readFileSync(file(`copy/${path}`));
  const damaged = Buffer.from(whole);
  damaged[0]! ^= 1;
  writeFileSync(file(`copy/${path}`), damaged);
  const partly = await asStranger("s3://restored/copy", "--trust", publicKey);
  assert.equal(partly.code, 1, partly.stderr);
  assert.match(partly.stderr, /a\/7: .*SHA-256/);
  assert.match(partly.stderr, /250 of 251 objects/);
  assert.equal((await ground.canopy("cat", "s3://restored/copy/a/7")).code, 3);
  // Mended, the same command goes on with that one alone.
  writeFileSync(file(`copy/${path}`), whole);
  const { stdout } = await asStranger("s3://restored/copy", "--trust", publicKey, "--json");
  assert.deepEqual(
    (({ objects, reused }: { objects: number; reused: number }) => [objects, reused])(
      JSON.parse(stdout),
    ),
    [251, 250],
  );
  appendFileSync(file("copy/manifest.ndjson"), "{}\n");
  assert.equal((await asStranger("s3://restored/copy", "--trust", publicKey)).code, 4);
  rmSync(file("copy/manifest.sig.json"));
  const unsigned = await asStranger("s3://restored/copy", "--trust", publicKey);
  assert.equal(unsigned.code, 3);
  assert.doesNotMatch(unsigned.stderr, /canopy objects export/, "that would write over it");
});
