import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWorld, type World } from "#/api/testing/world.ts";
import { canopy } from "../testing/terminal.ts";

let world: World;
let env: Record<string, string>;
before(async () => {
  world = await startWorld();
  env = { CANOPY_URL: await world.listen(), CANOPY_KEY: world.root };
});
after(() => world.stop());

const run = (...argv: string[]) => canopy(["chaos", ...argv], { env });

test("without a policy nothing begins, and the way to one is told", async () => {
  const refused = await run("run");
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /next canopy chaos policy set --targets/);
  assert.equal((await run("policy")).code, 3);
  assert.equal((await run("policy", "set", "--hits", "3")).code, 2);
});

test("a policy is set flag by flag: what is not said stays as it is", async () => {
  const first = ["--targets", "tasks,agents", "--hits", "7", "--share", "50%", "--last-machine"];
  assert.equal((await run("policy", "set", ...first)).code, 0);
  const more = ["--no-last-machine", "--job", "nightly-*", "--hours", "mon-fri 09:00-17:00"];
  const set = await run("policy", "set", ...more, "--json");
  const policy = JSON.parse(set.stdout) as Record<string, unknown>;
  assert.deepEqual(policy["targets"], ["task", "agent"]);
  assert.deepEqual(
    [policy["hitsMax"], policy["machineShareMax"], policy["lastMachine"], policy["jobs"]],
    [7, 0.5, false, ["nightly-*"]],
  );
  const shown = await run("policy");
  assert.match(shown.stdout, /^hours\tmon-fri 09:00-17:00 UTC$/m);
  assert.match(shown.stdout, /^machines\tat most 50% at once, never the last one/m);
  assert.equal((await run("policy", "set", "--share", "half")).code, 2);
});

test("a game day is begun, listed, reported and stopped", async () => {
  const anytime = await run("policy", "set", "--targets", "tasks", "--hours", "any");
  assert.match(anytime.stdout, /^hours\tat any time$/m);
  const begun = await run("run", "--for", "1m", "--seed", "9", "--detach", "--json=id,seed");
  const { id, seed } = JSON.parse(begun.stdout) as { id: string; seed: number };
  assert.equal(seed, 9);
  const second = await run("run", "--detach");
  assert.equal(second.code, 5);
  assert.match(second.stderr, new RegExp(`next canopy chaos stop ${id}`));
  assert.match((await run()).stdout, new RegExp(`^${id}\trunning\t`));
  assert.match((await run("report")).stdout, new RegExp(`^game day\t${id}\n`));
  assert.match((await run("report", id, "--markdown")).stdout, new RegExp(`^# Game day ${id}`));
  assert.equal((await run("report", "g9999999")).code, 3);
  const stopped = await run("stop");
  assert.match(stopped.stderr, new RegExp(`^${id} hits no more`));
});

test("a dry run says what may be hit, and begins nothing", async () => {
  const dry = await run("run", "--dry-run");
  assert.equal(dry.stdout, "0 may be hit: nothing\n");
  assert.equal((await run("run", "--dry-run", "--kind", "machines")).code, 4);
  assert.equal(JSON.parse((await run("ls", "--json=id")).stdout).length, 1);
});

test("a policy is removed when that is meant", async () => {
  const asked = await run("policy", "remove");
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /--yes/);
  assert.equal((await run("policy", "remove", "--yes")).code, 0);
  assert.equal((await run("policy")).code, 3);
});
