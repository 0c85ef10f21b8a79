import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startWorld, type World } from "#/api/testing/world.ts";
import { canopy } from "../testing/terminal.ts";

let world: World;
const folder = mkdtempSync(join(tmpdir(), "canopy-cli-aws-"));
let env: Record<string, string>;
before(async () => {
  world = await startWorld();
  const url = await world.listen();
  env = {
    CANOPY_URL: url,
    CANOPY_KEY: world.root,
    XDG_CONFIG_HOME: folder,
    AWS_CONFIG_FILE: join(folder, "aws", "config"),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, "aws", "credentials"),
  };
});
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

interface AwsEnv {
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
}
const awsEnv = async () =>
  JSON.parse((await canopy(["aws", "env", "--json"], { env, folder })).stdout) as AwsEnv;

test("canopy aws env gives the same key each time, and another once that one is removed", async () => {
  const first = await awsEnv();
  assert.deepEqual(await awsEnv(), first);
  const { stdout } = await canopy(["aws", "env"], { env, folder });
  assert.match(stdout, new RegExp(`^export AWS_ACCESS_KEY_ID='${first.AWS_ACCESS_KEY_ID}'$`, "m"));
  await world.space.commit((tx) => tx.delete("access-key", first.AWS_ACCESS_KEY_ID)).durable;
  assert.notEqual((await awsEnv()).AWS_ACCESS_KEY_ID, first.AWS_ACCESS_KEY_ID);
});

test("canopy aws configure writes a profile that only its owner reads", async () => {
  const { code } = await canopy(["aws", "configure", "--profile", "here"], { env, folder });
  assert.equal(code, 0);
  const keys = env["AWS_SHARED_CREDENTIALS_FILE"]!;
  const { AWS_SECRET_ACCESS_KEY: secret } = await awsEnv();
  assert.ok(readFileSync(keys, "utf8").includes(`aws_secret_access_key = ${secret}`));
  assert.equal(statSync(keys).mode & 0o777, 0o600);
  assert.match(
    readFileSync(env["AWS_CONFIG_FILE"]!, "utf8"),
    /^\[profile here\]\nregion = us-east-1/,
  );
});

test("canopy aws env --user refuses a user that is not there", async () => {
  const { code, stderr } = await canopy(["aws", "env", "--user", "nobody"], { env, folder });
  assert.notEqual(code, 0);
  assert.match(stderr, /Cannot find the user 'nobody'/);
});
