import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import type { TestCloud } from "./cloud.ts";
import { newSharedCloud } from "./clouds.ts";
import { doctor } from "./doctor.ts";
import { until } from "./until.ts";

assert.equal(postgresMissing, undefined);

const cloud = await newSharedCloud(2, 1);
const [plane] = cloud.planes as [TestCloud];
const { postgres } = cloud;

const examine = (...flags: string[]) =>
  doctor(plane, "--log", postgres.url, "--data", join(cloud.folder, "none"), ...flags);

test("doctor --log finds nothing wrong with a cloud at work, and does not repair it then", async () => {
  const command = ["sh", "-c", "echo kept > out"];
  const made = await plane.call<{ id: string }>("POST", "/v1/jobs", {
    title: "with a file",
    steps: [{ name: "make", run: { driver: "process", command }, outputs: [{ path: "out" }] }],
  });
  await until("its file is kept", async () => {
    const { phase } = await plane.call<{ phase: string }>("GET", `/v1/jobs/${made.id}`);
    return phase === "succeeded";
  });
  await plane.canopy("run", "--", "sh", "-c", "echo one; echo two; exit 1");
  const { code, findings, of } = await examine();
  assert.equal(code, 0, JSON.stringify(findings));
  for (const check of ["database", "leader", "log", "steps", "blobs", "output"])
    assert.deepEqual(
      of(check).map(({ state }) => state),
      ["good"],
      JSON.stringify(findings),
    );
  assert.match(of("database")[0]!.detail, /^PostgreSQL 15.* commits in .* the cell 'main'$/);
  assert.match(of("leader")[0]!.detail, /^Led by http:.* under epoch \d+, heard /);
  assert.match(of("steps")[0]!.detail, /^2 steps/);
  assert.match(of("output")[0]!.detail, /^What 1 jobs printed/);
  assert.match(
    of("instances")
      .map(({ detail }) => detail)
      .join("\n"),
    /networks of their own/,
  );
  const repair = await examine("--repair");
  assert.equal(repair.code, 5, repair.stderr);
  assert.match(repair.stderr, /Cannot repair the log .* leads under epoch/);
  assert.match(repair.stderr, /Stop every control plane/);
  const byEnvironment = await plane.canopy("doctor", "--log", `${postgres.url}?cell=other`);
  assert.equal(byEnvironment.code, 1);
  assert.match(byEnvironment.stdout, /its cell must be 'other': current value is 'main'/);
});

test("a start that finds damage names doctor --log, which mends what is safe, and the cloud goes on", async () => {
  await Promise.all(cloud.planes.map((one) => one.kill()));
  await sleep(limits.leaderSilentMs);
  await postgres.sql(`
    SET search_path = canopy;
    DELETE FROM changes WHERE sequence = 3;
    UPDATE changes SET body = '[' WHERE sequence = 4;
    UPDATE extents SET serial = serial + 1000;
    INSERT INTO archive SELECT serial, 'machine', 'm', 'default', NULL, body FROM live LIMIT 1;
    UPDATE blob_parts SET body = 'something else' WHERE ctid = (SELECT min(ctid) FROM blob_parts);
    UPDATE log_lines SET first = first + 5`);
  const refused = await plane.canopy("up", "--log", postgres.url, "--no-agent", "--port", "0");
  assert.equal(refused.code, 1, refused.stderr);
  assert.match(refused.stderr, /batch 3 is missing \(damaged\)/);
  assert.match(refused.stderr, /canopy doctor --log postgres:/);

  const sick = await examine();
  assert.equal(sick.code, 1);
  for (const fault of [
    /Nobody leads; the last was http/,
    /Batch 3 of the changes is missing/,
    /Batch 4 of the changes is damaged/,
    /is live and archived/,
    /is not found by its name/,
    /has another content/,
    /The output of .* must have \d+ lines, one after the other/,
  ])
    assert.match(sick.told, fault);
  const remedies = sick.findings.map(({ remedy }) => remedy).join("\n");
  assert.ok(remedies.includes(`canopy doctor --log ${postgres.url} --repair`), remedies);

  const mended = await examine("--repair");
  assert.equal(mended.of("log").at(-1)!.state, "good", JSON.stringify(mended.findings));
  assert.match(mended.of("log")[0]!.remedy!, /canopy\.changes_before_repair_1/);
  assert.match(mended.of("blobs")[0]!.detail, /is now in "canopy".damaged_blobs/);
  const [copy] = await postgres.sql<{ count: string }>(
    "SELECT count(*) FROM canopy.changes_before_repair_1 WHERE body = '['",
  );
  assert.equal(copy!.count, "1");
  const again = await examine();
  assert.deepEqual(
    again.of("log").map(({ state }) => state),
    ["good"],
  );
  await cloud.up(plane);
  const run = await plane.canopy("run", "--", "echo", "well");
  assert.equal(run.stdout, "well\n", run.stderr);
});

test("doctor --log says what keeps a database from being used, and refuses an address that cannot be meant", async () => {
  const look = (address: string) => plane.canopy("doctor", "--log", address);
  const none = await look(`${postgres.url}?schema=nothing`);
  assert.equal(none.code, 1);
  assert.match(none.stdout, /schema 'nothing' holds no cloud/);
  assert.match(
    none.stdout,
    /containers and systems/,
    "what this computer can do is said all the same",
  );
  const { length } = await postgres.sql("SELECT FROM pg_namespace WHERE nspname = 'nothing'");
  assert.equal(length, 0, "looking makes nothing");
  const wrong = await look("mysql://me:secret@host/db");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /must begin with postgres:/);
  assert.ok(!wrong.stderr.includes("secret"));
  const away = await look("postgres://postgres@127.0.0.1:1/postgres");
  assert.equal(away.code, 1);
  assert.match(away.stdout, /Cannot reach PostgreSQL/);
  await postgres.sql("CREATE DATABASE frozen");
  await postgres.sql("ALTER DATABASE frozen SET default_transaction_read_only = on");
  const frozen = await look(postgres.url.replace(/postgres$/, "frozen"));
  assert.equal(frozen.code, 1);
  assert.match(frozen.stdout, /must take writes/);
  await postgres.sql("UPDATE canopy.meta SET value = '99' WHERE key = 'format'");
  const later = await examine();
  assert.match(later.told, /format must be 1: current value is '99'/);
  assert.deepEqual(
    later.of("log").map(({ state }) => state),
    ["unknown"],
  );
  await postgres.sql("UPDATE canopy.meta SET value = '1' WHERE key = 'format'");
});
