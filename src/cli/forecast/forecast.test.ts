import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { idleUsage, startAgent } from "#/api/testing/agent.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import type { ForecastView, ReplayView, WhatIfView } from "#/model/forecast-views.ts";
import { canopy } from "../testing/terminal.ts";

let world: World;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), "canopy-cli-forecast-"));

before(async () => {
  world = await startWorld();
  const url = await world.listen();
  env = { CANOPY_URL: url, CANOPY_KEY: world.root, XDG_CONFIG_HOME: folder };
  const agent = await startAgent(world, url, { cpus: 2 });
  const worker = agent.work(() => ({ usage: { ...idleUsage, wallMs: 60_000, cpuMs: 60_000 } }));
  assert.equal((await run("run", "--", "true")).code, 0);
  worker.stop();
  await agent.next("forget");
  agent.send({ type: "pull", max: 0 });
});
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

const offers = `offers:
  - name: large
    milliCpus: 8000
    memoryBytes: 34359738368
    microsPerHour: 400000
    bootMs: { median: 40000, p90: 70000 }
`;

const run = (...words: string[]) => canopy(words, { env, folder });

test("forecast says that nothing waits, then tells of what does as a table and as JSON", async () => {
  const nothing = await canopy(["forecast"], { env, folder, isTty: true });
  assert.match(nothing.stdout, /Nothing runs or waits/);
  assert.equal((await run("run", "--detach", "--", "true")).code, 0);
  const seen = await run("forecast", "--forks", "5");
  assert.equal(seen.code, 0, seen.stderr);
  assert.match(seen.stdout, /^j\w+\ttrue\twaiting\t.*USD\t.*100%/);
  const { jobs } = JSON.parse((await run("forecast", "--json")).stdout) as ForecastView;
  assert.equal(jobs.length, 1);
  assert.ok(jobs[0]!.endsAt);
});

test("what-if sets the forecast beside the changed one, and says what it cannot read", async () => {
  const seen = await run("what-if", "--add", "2x4cpu8gib", "--boot-time", "30s", "--forks", "5");
  assert.equal(seen.code, 0, seen.stderr);
  assert.match(seen.stdout, /all end in\t.+\t.+\n/);
  const json = await run("what-if", "--add", "test-host", "--policy", "first-come", "--json");
  const { without, with: after } = JSON.parse(json.stdout) as WhatIfView;
  assert.equal(without.jobs.length, after.jobs.length);
  writeFileSync(join(folder, "offers.yaml"), offers);
  const site = await run("sites", "add", "simulated", "offers.yaml", "--name", "lab");
  assert.equal(site.code, 0, site.stderr);
  const cheap = await run("what-if", "--add", "4xlab", "--policy", "cheap", "--forks", "5");
  assert.equal(cheap.code, 0, cheap.stderr);
  assert.match(cheap.stdout, /all end in\t.+\t.+\n/);
  writeFileSync(join(folder, "policy.yaml"), "fleet:\n  waitMax: 1m\n  machinesMax: 2\n");
  const file = await run("what-if", "--policy", "policy.yaml", "--forks", "5");
  assert.equal(file.code, 0, file.stderr);
  assert.match(file.stdout, /machines bought for it\t0\t0\n/);
  const typo = await run("what-if", "--policy", "chaep");
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /Did you mean 'cheap'/);
  assert.equal((await run("what-if", "--policy", "nowhere.yaml")).code, 3);
  writeFileSync(join(folder, "wrong.yaml"), "deadline: soon\n");
  assert.match((await run("what-if", "--policy", "wrong.yaml")).stderr, /wrong.yaml:1/);
  assert.equal((await run("what-if", "--add", "2xnowhere")).code, 3);
  assert.equal((await run("what-if", "--add", "2x4cpu8parsecs")).code, 2);
});

test("replay compares policies on what was submitted of late", async () => {
  const seen = await run(
    "replay",
    "--policy",
    "as-it-is",
    "--policy",
    "smallest-first",
    "--last",
    "1h",
  );
  assert.equal(seen.code, 0, seen.stderr);
  assert.match(seen.stdout, /^as-it-is\t1\t.*\nsmallest-first\t1\t/);
  const all = JSON.parse((await run("replay", "--json")).stdout) as ReplayView;
  assert.equal(all.replays.length, 9);
  assert.ok(all.replays.every(({ energyJoules, missed }) => energyJoules! > 0 && missed === 0));
  const files = await run("replay", "--policy", "cheap", "--policy", "policy.yaml", "--last", "1h");
  assert.equal(files.code, 0, files.stderr);
  assert.match(files.stdout, /^cheap\t1\t.*\npolicy.yaml\t1\t/);
  const wrong = await run("replay", "--policy", "cheapest");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /shortest-first/);
});
