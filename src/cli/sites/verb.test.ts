import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { SiteDetail } from "#/model/site-views.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import { canopy } from "../testing/terminal.ts";

let world: World;
let env: Record<string, string>;
before(async () => {
  world = await startWorld();
  env = { CANOPY_URL: await world.listen(), CANOPY_KEY: world.root };
});
after(() => world.stop());

const run = (...argv: string[]) => canopy(["sites", ...argv], { env });

test("a simulated site is added from a file, listed, shown and removed", async () => {
  assert.match((await run()).stderr + (await run()).stdout, /^$|canopy sites add/);
  const file = join(world.folder, "lab.yaml");
  const offer = "{ name: large, milliCpus: 8000, memoryBytes: 34359738368, microsPerHour: 400000,";
  const boot = "bootMs: { median: 40000, p90: 70000 }, interruptionsPerHour: 0.05 }";
  await writeFile(file, `seed: 7\noffers:\n  - ${offer} ${boot}\n`);
  const added = await run("add", "simulated", file, "--name", "lab", "--max", "3");
  assert.equal(added.code, 0, added.stderr);
  const offerLine = /^large\t8\t32GiB\t0\.40\tunknown\t40s, p90 1m10s\tspot\t0\.05 an hour\t\t3$/m;
  assert.match(added.stdout, offerLine);
  assert.equal((await run("add", "simulated", file, "--name", "lab")).code, 5);
  const replaced = await run("add", "simulated", file, "--name", "lab", "--max", "2", "--replace");
  assert.match(replaced.stdout, /\t2$/m);
  assert.match((await run()).stdout, /^lab\tsimulated\thealthy\t.*\t0\t1\t0\.40\t$/m);
  assert.match((await run("show", "lab")).stdout, /^large\t/m);
  assert.equal((await run("remove", "lab", "--yes")).code, 0);
  assert.equal((await run("show", "lab")).code, 3);
});

test("hosts are named one by one and by inventory, and a key of theirs is told to nobody", async () => {
  const [key, inventory] = [join(world.folder, "key"), join(world.folder, "lab.yml")];
  await writeFile(key, "hunter2");
  await writeFile(inventory, "hosts:\n  - { address: node2, idleWatts: 60 }\n");
  const words = ["lab@node1:2222", "--inventory", inventory, "--cpus", "2", "--key", key];
  const added = await run("add", "ssh", ...words, "--tunnel", "--json");
  assert.equal(added.code, 0, added.stderr);
  assert.ok(!added.stdout.includes("hunter2"));
  const { config, secrets } = JSON.parse(added.stdout) as SiteDetail;
  assert.ok(config.type === "ssh" && config.tunnel);
  const [first, second] = config.hosts;
  assert.deepEqual([first!.address, first!.user, first!.port], ["node1", "lab", 2222]);
  assert.equal(first!.capacity.milliCpus, 2000);
  assert.deepEqual(
    [second!.address, second!.idleWatts, second!.peakWatts],
    ["node2", 60, undefined],
  );
  assert.deepEqual(secrets, ["privateKey"]);
  assert.equal((await run("add", "ssh", "--name", "none")).code, 2);
  assert.equal((await run("add", "ssh", "a@b@c", "--name", "bad")).code, 2);
});

test("the keys of a provider come from the environment, and are told to nobody", async () => {
  const words = ["--region", "eu-1", "--image", "ami-1", "--type", "m7i.large=0.1008", "--spot"];
  assert.equal((await run("add", "ec2", ...words)).code, 2);
  const keys = { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: "hunter2" };
  const more = ["sites", "add", "ec2", ...words, "--type", "m7i.xlarge", "--json"];
  const added = await canopy(more, { env: { ...env, ...keys } });
  assert.equal(added.code, 0, added.stderr);
  assert.ok(!added.stdout.includes("hunter2"));
  const { config, secrets } = JSON.parse(added.stdout) as SiteDetail;
  assert.ok(config.type === "ec2");
  assert.deepEqual(config.types, [
    { name: "m7i.large", microsPerHour: 100_800 },
    { name: "m7i.xlarge" },
  ]);
  assert.deepEqual(config.markets, ["on-demand", "spot"]);
  assert.deepEqual(secrets, ["secretAccessKey"]);
});

test("a site that refuses us is kept, and shown unhealthy in its own words", async () => {
  const flags = ["--cpus", "2", "--memory", "2GiB", "--price", "0.5"];
  const added = await run("add", "local", ...flags);
  assert.equal(added.code, 0);
  assert.match(added.stderr, /local is kept, and is unhealthy: AuthFailure: the credentials/);
  assert.match((await run()).stdout, /^local\tlocal\tunhealthy\t.*AuthFailure/m);
  assert.equal((await run("add", "local", "--cpus", "2", "--memory", "much")).code, 2);
  assert.equal((await run("add", "simulated", join(world.folder, "none.yaml"))).code, 3);
});

test("another Canopy is added with a key from the environment, that is told to nobody", async () => {
  const words = ["http://127.0.0.1:1", "--cpus", "2", "--memory", "2GiB", "--json"];
  assert.equal((await run("add", "canopy", ...words)).code, 2);
  const more = { ...env, CANOPY_LENDER_KEY: "hunter2" };
  const added = await canopy(["sites", "add", "canopy", ...words], { env: more });
  assert.equal(added.code, 0, added.stderr);
  assert.ok(!added.stdout.includes("hunter2"));
  const { config, secrets } = JSON.parse(added.stdout) as SiteDetail;
  assert.ok(config.type === "canopy");
  assert.deepEqual([config.milliCpus, config.microsPerHour], [2000, undefined]);
  assert.deepEqual(secrets, ["key"]);
});
