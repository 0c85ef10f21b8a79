import assert from "node:assert/strict";
import { chmodSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { sha256, signedHeaders, type Credentials } from "#/sdk/objects/signature.ts";
import type { TestCloud } from "./cloud.ts";
import { newCloud } from "./clouds.ts";
import { doctor } from "./doctor.ts";
import { until } from "./until.ts";

/** What it finds in the cloud's own folder. */
const examine = (cloud: TestCloud, ...flags: string[]) =>
  doctor(cloud, "--data", cloud.dataFolder, ...flags);

/** A cloud killed in the middle of things: jobs that ended, one that failed, one under way, blobs. */
async function killedCloud(): Promise<TestCloud> {
  const cloud = newCloud();
  await cloud.up();
  const command = ["sh", "-c", "echo kept > out"];
  const made = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "with a file",
    steps: [{ name: "make", run: { driver: "process", command }, outputs: [{ path: "out" }] }],
  });
  await until("its file is kept", async () => {
    const { phase } = await cloud.call<{ phase: string }>("GET", `/v1/jobs/${made.id}`);
    return phase === "succeeded";
  });
  await cloud.canopy("run", "--", "false");
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "under way",
    steps: [
      { name: "work", run: { driver: "process", command: ["true"] }, source: { type: "list" } },
    ],
  });
  const inputs = Array.from({ length: 300 }, (_, index) => index);
  await cloud.call("POST", `/v1/jobs/${id}/steps/0/tasks`, { from: 0, inputs });
  await until("some of its tasks have ended", async () => {
    const { tasks } = await cloud.call<{ tasks: { succeeded: number } }>(
      "GET",
      `/v1/jobs/${id}/steps/0`,
    );
    return tasks.succeeded > 0;
  });
  const running = await examine(cloud);
  assert.equal(running.code, 0);
  assert.equal(running.of("log")[0]!.state, "unknown");
  await cloud.kill();
  return cloud;
}

test("doctor finds nothing wrong with a cloud killed at work, and leaves it as it was", async () => {
  const cloud = await killedCloud();
  const before = readdirSync(cloud.dataFolder).filter((name) => name.startsWith("space.db"));
  const { code, findings, of } = await examine(cloud);
  assert.equal(code, 0, JSON.stringify(findings));
  for (const check of ["node", "secrets", "log", "steps", "blobs"])
    assert.deepEqual(
      of(check).map(({ state }) => state),
      ["good"],
      JSON.stringify(of(check)),
    );
  assert.match(of("steps")[0]!.detail, /^3 steps/);
  const later = readdirSync(cloud.dataFolder).filter((name) => name.startsWith("space.db"));
  assert.deepEqual(later, before);
  await cloud.up();
});

test("doctor --repair mends what is safe, keeps copies, and the cloud starts again", async () => {
  const cloud = await killedCloud();
  const { dataFolder } = cloud;
  const file = join(dataFolder, "space.db");
  const database = new DatabaseSync(file);
  database.exec(`
    DELETE FROM changes WHERE sequence = 3;
    UPDATE changes SET body = '[' WHERE sequence = 4;
    UPDATE extents SET serial = serial + 1;
    INSERT INTO archive SELECT serial, 'task', NULL, 'default', 'failed', body FROM live LIMIT 1;`);
  database.close(); // which moves the write-ahead log into the database: it is missing now
  chmodSync(join(dataFolder, "root-token"), 0o644);
  const [project] = readdirSync(join(dataFolder, "blobs")).filter((name) => !name.startsWith("."));
  const parts = join(dataFolder, "blobs", project!);
  const folder = join(parts, readdirSync(parts)[0]!);
  writeFileSync(join(folder, readdirSync(folder)[0]!), "something else");

  const refused = await cloud.canopy("up", "--data", dataFolder, "--port", "0");
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /missing \(damaged\)/);
  assert.match(refused.stderr, /canopy doctor/);
  const sick = await examine(cloud);
  assert.equal(sick.code, 1);
  for (const fault of [
    /space.db-wal, which is missing/,
    /Batch 3 of the changes is missing/,
    /Batch 4 of the changes is damaged/,
    /is live and archived/,
    /is not found by its name/,
    /Others may look into .*root-token/,
    /has another content/,
  ])
    assert.match(sick.told, fault);

  const mended = await examine(cloud, "--repair");
  assert.equal(mended.of("log").at(-1)!.state, "good", JSON.stringify(mended.findings));
  assert.ok(mended.findings.some(({ state }) => state === "repaired"));
  assert.ok(readdirSync(dataFolder).includes("space.db.before-repair-1"));
  const again = await examine(cloud);
  assert.deepEqual(
    again.of("log").map(({ state }) => state),
    ["good"],
  );
  await cloud.up();
  const run = await cloud.canopy("run", "--", "echo", "well");
  assert.equal(run.stdout, "well\n", run.stderr);
});

test("doctor names a damaged object as people do, once the log can be read", async () => {
  const cloud = newCloud();
  await cloud.up("--no-agent");
  const credentials = await cloud.call<Credentials>("POST", "/v1/access-keys", { title: "tests" });
  const call = async (method: string, path: string, body = "") => {
    const asked = { method, origin: cloud.awsUrl, path, query: {}, headers: {} };
    const by = { credentials, region: "us-east-1", nowMs: Date.now() };
    const headers = signedHeaders(asked, sha256(body), by);
    const answer = await fetch(cloud.awsUrl + path, { method, headers, body });
    assert.equal(answer.status, 200, await answer.text());
  };
  await call("PUT", "/pictures");
  await call("PUT", "/pictures/cat", "purr".repeat(1000));
  const pack = join(cloud.dataFolder, "objects", "packs", "0000000001.pack");
  const bytes = readFileSync(pack);
  bytes[bytes.indexOf("purrpurr") + 1000]! ^= 4;
  writeFileSync(pack, bytes);
  const named = /"cat" in the bucket of id \S+ \(its name is in the log, which was not/;
  // The index, which knows of it, commits now and then.
  await until("doctor finds it", async () => named.test((await examine(cloud)).told));
  await cloud.kill();
  const { code, told } = await examine(cloud);
  assert.equal(code, 1);
  assert.match(told, /The object "cat" in bucket pictures cannot be read/);
});

test("doctor says what this computer can do also where there is no cloud yet", async () => {
  const cloud = newCloud();
  const { code, of } = await doctor(cloud);
  assert.equal(code, 0);
  assert.match(of("cloud")[0]!.detail, /There is none in .* yet/);
  const abilities = of("instances")
    .map(({ detail }) => detail)
    .join("\n");
  for (const ability of [
    /containers and systems/,
    /virtual machines/i,
    /networks of their own/,
    /control groups: version \d.*overlayfs/,
  ])
    assert.match(abilities, ability);

  const named = await doctor(cloud, "--data", join(cloud.dataFolder, "none"));
  assert.equal(named.code, 1);
  assert.deepEqual(
    named.of("cloud").map(({ state }) => state),
    ["fault"],
  );
  assert.match(named.told, /holds no cloud/);
  assert.deepEqual(named.of("instances"), of("instances"));
});
