import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startWorld, type World } from "#/api/testing/world.ts";
import { canopy, type Ran } from "../testing/terminal.ts";

let world: World;
let run: (...argv: string[]) => Promise<Ran>;
const folder = mkdtempSync(join(tmpdir(), "canopy-cli-bucket-"));

before(async () => {
  world = await startWorld();
  const url = await world.listen();
  const env = { CANOPY_URL: url, CANOPY_KEY: world.root, XDG_CONFIG_HOME: folder };
  run = (...argv) => canopy(argv, { env, folder });
});
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

test("buckets are made, bounded, shown and deleted", async () => {
  const made = await run("bucket", "create", "pictures", "--quota", "2GiB");
  assert.equal(made.code, 0, made.stderr);
  assert.match((await run("bucket")).stdout, /pictures\t0\t0B\t2GiB\toff/);
  const bounded = await run("bucket", "quota", "pictures", "none", "--objects", "5");
  assert.match(bounded.stdout, /quota +none, 5 objects at most/, bounded.stderr);
  assert.equal((await run("bucket", "quota", "pictures")).code, 2);
  assert.equal((await run("bucket", "delete", "pictures")).code, 2, "nobody was asked");
  assert.equal((await run("bucket", "delete", "pictures", "--yes")).code, 0);
  assert.equal((await run("bucket", "show", "pictures")).code, 3);
});

test("who is told of a bucket is listed, added and removed", async () => {
  await run("bucket", "create", "told-of");
  await run("webhook", "create", "told", "https://example.org/events");
  const added = await run("bucket", "tell", "told-of", "--webhook", "told", "--prefix", "in/");
  assert.equal(added.code, 0, added.stderr);
  const { stdout } = await run("bucket", "told", "told-of");
  assert.match(stdout, /^(e\w+)\tarn:canopy:webhook:\S+:told\ts3:ObjectCreated:\*\tin\/\*\n$/);
  const again = await run("bucket", "tell", "told-of", "--webhook", "told", "--prefix", "in/a");
  assert.equal(again.code, 5, again.stderr);
  assert.equal((await run("bucket", "tell", "told-of", "--webhook", "none")).code, 3);
  assert.equal((await run("bucket", "tell", "told-of")).code, 2);
  const other = ["--webhook", "told", "--on", "Nothing"];
  assert.equal((await run("bucket", "tell", "told-of", ...other)).code, 2);
  const [id = ""] = stdout.split("\t");
  assert.equal((await run("bucket", "untell", "told-of", id)).code, 0);
  assert.equal((await run("bucket", "untell", "told-of", id)).code, 3);
  assert.equal((await run("webhook", "delete", "told", "--yes")).code, 0);
});

test("webhooks are made, listed and removed", async () => {
  const made = await run("webhook", "create", "mine", "https://example.org/events");
  assert.match(made.stdout, /^arn:canopy:webhook:us-east-1:\d{12}:mine\nwhsec_\S+\n$/, made.stderr);
  assert.match((await run("webhook")).stdout, /mine\thttps:\/\/example.org\/events\t0/);
  assert.equal((await run("webhook", "create", "a b", "https://example.org")).code, 2);
  assert.equal((await run("webhook", "delete", "mine", "--yes")).code, 0);
  assert.equal((await run("webhook")).stdout, "");
});
