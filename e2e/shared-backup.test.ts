import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { assertHolds, backUp } from "./backed-up.ts";
import { canopyFile, type TestCloud } from "./cloud.ts";
import { newCloud, newSharedCloud } from "./clouds.ts";
import { assertHealthy } from "./doctor.ts";
import { s3Of } from "./objects/s3.ts";
import { until } from "./until.ts";

assert.equal(postgresMissing, undefined);

const shared = await newSharedCloud(2, 1);
const { postgres, folder } = shared;

/** The address of a new, empty database of the same server. */
async function newDatabase(name: string): Promise<string> {
  await postgres.sql(`CREATE DATABASE ${name}`);
  return postgres.url.replace(/postgres$/, name);
}

/** Holds whoever makes a log in this schema at the first records that it puts there, until it is killed. */
async function holdAtFirstRecords(schema: string): Promise<void> {
  await postgres.sql(`
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_sleep(3600);
      RETURN NULL;
    END $$;
    CREATE FUNCTION hold_live() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity = '${schema}.live')
      THEN
        CREATE TRIGGER hold BEFORE INSERT ON ${schema}.live EXECUTE FUNCTION public.hold();
      END IF;
    END $$;
    CREATE EVENT TRIGGER hold ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION hold_live()`);
}

/** Holds nobody any more. A server does not see that whom it holds was killed. */
async function letGo(): Promise<void> {
  await postgres.sql(`
    DROP EVENT TRIGGER hold;
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`);
}

const backup = await backUp(shared.planes[1]!, folder, "shared");

test("a backup of a shared cloud under load is restored into another database, and loses nothing", async () => {
  const log = await newDatabase("another");
  const cloud = newCloud();
  const restored = await cloud.canopy("restore", backup.file, "--log", log, "--json");
  assert.equal(restored.code, 0, restored.stderr);
  await assertHealthy(cloud, "--log", log);
  await cloud.up("--log", log);
  await assertHolds(cloud, backup);
  await assertHealthy(cloud, "--log", log);
});

test("a backup of a shared cloud is restored into a data folder, and loses nothing", async () => {
  const cloud = newCloud();
  rmSync(cloud.dataFolder, { recursive: true });
  const flags = ["--data", cloud.dataFolder];
  const [other] = shared.planes as [TestCloud];
  const restored = await other.canopy("restore", backup.file, ...flags);
  assert.equal(restored.code, 0, restored.stderr);
  await assertHealthy(other, ...flags);
  await cloud.up();
  await assertHolds(cloud, backup);
});

test("a backup of a cloud with a log of its own is restored into a database, and loses nothing", async () => {
  const own = newCloud();
  await own.up();
  const taken = await backUp(own, folder, "own");
  await own.kill();
  const log = await newDatabase("grown");
  const cloud = newCloud();
  const restored = await cloud.canopy("restore", taken.file, "--log", log);
  assert.equal(restored.code, 0, restored.stderr);
  await cloud.up("--log", log);
  await assertHolds(cloud, taken);
});

test("restore --log refuses a backup with objects, which no shared log has, unless they are left out", async () => {
  const own = newCloud();
  await own.up("--no-agent");
  const { s3 } = await s3Of(own);
  await s3.send(new CreateBucketCommand({ Bucket: "films" }));
  await s3.send(new PutObjectCommand({ Bucket: "films", Key: "empty", Body: "" }));
  const file = join(folder, "with-objects.tar");
  assert.equal((await own.canopy("backup", file)).code, 0);
  const flags = ["restore", file, "--log", await newDatabase("without")];
  const refused = await own.canopy(...flags);
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /keep no objects: it has 1[^]*--without-objects/);
  const restored = await own.canopy(...flags, "--without-objects");
  assert.equal(restored.code, 0, restored.stderr);
});

test("restore --log refuses a database with a cell, or anything else, and two places", async () => {
  const { file } = backup;
  const restore = (...flags: string[]) => newCloud().canopy("restore", file, ...flags);
  const taken = await restore("--log", postgres.url);
  assert.equal(taken.code, 5, taken.stderr);
  assert.match(taken.stderr, /where nothing is: current value is a cell 'main'/);
  await postgres.sql("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)");
  const other = await restore("--log", `${postgres.url}?schema=shop`);
  assert.equal(other.code, 5, other.stderr);
  assert.match(other.stderr, /a schema with 'orders' in it/);
  const both = await restore("--log", `${postgres.url}?schema=new`, "--data", folder);
  assert.equal(both.code, 2, both.stderr);
  const wrong = await restore("--log", "file:///tmp");
  assert.equal(wrong.code, 2, wrong.stderr);
});

test("a restore that is cut short is never started from, and done again begins anew", async () => {
  const log = `${postgres.url}?schema=halfway`;
  await holdAtFirstRecords("halfway");
  const child = spawn(canopyFile, ["restore", backup.file, "--log", log], { stdio: "ignore" });
  const ended = once(child, "exit");
  const isMarked = () =>
    postgres.sql("SELECT FROM halfway.meta WHERE key = 'restoring'").then(
      ({ length }) => length > 0,
      () => false, // there is no such table yet
    );
  await until("the restore has begun", isMarked);
  child.kill("SIGKILL");
  await ended;
  assert.equal(child.signalCode, "SIGKILL", "it was cut short");
  await letGo();
  const cloud = newCloud();
  const refused = await cloud.canopy("up", "--log", log, "--no-agent", "--port", "0");
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /must be whole: it is not yet/);
  await sleep(limits.leaderSilentMs);
  const restored = await cloud.canopy("restore", backup.file, "--log", log);
  assert.equal(restored.code, 0, restored.stderr);
  await cloud.up("--log", log);
  await assertHolds(cloud, backup);
});
