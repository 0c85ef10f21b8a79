import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import type { OrderView } from "#/model/plan-views.ts";
import type { SiteView } from "#/model/site-views.ts";
import type { Page } from "#/model/views.ts";
import { farHost } from "#/sites/testing/far-host.ts";
import { makeKey, startSshd } from "#/sites/testing/sshd.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

const cloud = newCloud();
const far = farHost(0);
after(() => far.remove());

test("a job runs on a host that only ssh reaches, and that reaches nobody, over kill -9 of the control plane", async () => {
  await cloud.up("--no-agent");
  const { dataFolder } = cloud;
  const key = makeKey(dataFolder, "client-key");
  const host = await startSshd(dataFolder, far, key, "/usr/bin:/bin");
  writeFileSync(join(dataFolder, "known-hosts"), host.knownHosts);
  const keys = [
    "--key",
    join(dataFolder, "client-key"),
    "--known-hosts",
    join(dataFolder, "known-hosts"),
  ];
  const terms = ["--name", "lab", "--price", "0.05", "--tunnel"];
  const added = await cloud.canopy("sites", "add", "ssh", far.address, ...keys, ...terms);
  assert.equal(added.code, 0, added.stderr);
  await until("the host was asked", async () => {
    const { offers } = await cloud.call<SiteView>("GET", "/v1/sites/lab");
    return offers.some(({ countMax }) => countMax > 0);
  });
  const goal = ["--deadline", "10m", "--budget", "1USD", "--expect", "2s", "--yes"];
  const work = ["--sweep", "n=1..4", "--", "sh", "-c", "sleep 2; ip -o -4 addr show dev eth0"];
  const run = await cloud.canopy("run", "--detach", ...goal, ...work);
  assert.equal(run.code, 0, run.stderr);
  const job = run.stdout.trim();
  const orders = async () => (await cloud.call<Page<OrderView>>("GET", "/v1/orders")).items;
  await until("its machine has joined", async () =>
    (await orders()).some(({ phase }) => phase === "joined"),
  );
  await cloud.kill();
  await cloud.up("--no-agent");
  const followed = await cloud.canopy("follow", job);
  assert.equal(followed.code, 0, followed.stderr);
  const { stdout } = await cloud.canopy("logs", job);
  assert.ok(stdout.includes(far.address), stdout);
  const why = await cloud.canopy("why", job);
  assert.match(why.stdout, /ordered 1 .* of lab/);
  await until("it is given back", async () =>
    (await orders()).every(({ phase }) => phase === "released"),
  );
  assert.deepEqual(readdirSync(host.home), []);
});
