import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { newCloud } from "./clouds.ts";

const cloud = newCloud();
const masterKey = "the master key of a test with 32 characters and more";
type Keys = Record<string, string>;

/** awscli to its end, as whom these variables say; gives what it answered. */
async function aws(keys: Keys, ...args: string[]): Promise<{ code: number; text: string }> {
  const child = spawn(
    "/usr/bin/aws",
    ["--endpoint-url", cloud.awsUrl, "--output", "json", ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], HOME: cloud.dataFolder, AWS_REGION: "us-east-1", ...keys },
    },
  );
  const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) =>
    Buffer.concat(await Array.fromAsync(stream)).toString(),
  );
  const [code] = (await once(child, "close")) as [number];
  return { code, text: code === 0 ? await stdout! : await stderr! };
}

async function must<T>(keys: Keys, ...args: string[]): Promise<T> {
  const { code, text } = await aws(keys, ...args);
  assert.equal(code, 0, `${args.join(" ")}: ${text}`);
  return (text.trim() === "" ? {} : JSON.parse(text)) as T;
}

async function refused(code: string, keys: Keys, ...args: string[]): Promise<void> {
  const answer = await aws(keys, ...args);
  assert.notEqual(answer.code, 0, args.join(" "));
  assert.match(answer.text, new RegExp(`\\(${code}\\)`));
}

interface TheirKeys {
  AccessKeyId: string;
  SecretAccessKey: string;
  SessionToken?: string;
}
const keysOf = ({ AccessKeyId, SecretAccessKey, SessionToken }: TheirKeys): Keys => ({
  AWS_ACCESS_KEY_ID: AccessKeyId,
  AWS_SECRET_ACCESS_KEY: SecretAccessKey,
  ...(SessionToken !== undefined && { AWS_SESSION_TOKEN: SessionToken }),
});
const policyOf = (...statements: object[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

test("users, sessions and keys of awscli live on after kill -9, under a master key that can be changed", async () => {
  cloud.moreEnv = { CANOPY_MASTER_KEY: masterKey };
  await cloud.up("--no-agent");
  const env = await cloud.canopy("aws", "env", "--json");
  const root = JSON.parse(env.stdout) as Keys;
  const { Account } = await must<{ Account: string }>(root, "sts", "get-caller-identity");

  await must(root, "iam", "create-user", "--user-name", "ann");
  const { AccessKey } = await must<{ AccessKey: TheirKeys }>(
    root,
    "iam",
    "create-access-key",
    "--user-name",
    "ann",
  );
  const ann = keysOf(AccessKey);
  await refused("AccessDenied", ann, "s3api", "list-buckets");
  const policy = policyOf({ Effect: "Allow", Action: ["s3:*", "sts:AssumeRole"], Resource: "*" });
  await must(
    root,
    "iam",
    "put-user-policy",
    "--user-name",
    "ann",
    "--policy-name",
    "p",
    "--policy-document",
    policy,
  );
  await must(ann, "s3api", "create-bucket", "--bucket", "kept");

  const trust = policyOf({
    Effect: "Allow",
    Principal: { AWS: Account },
    Action: "sts:AssumeRole",
  });
  await must(
    root,
    "iam",
    "create-role",
    "--role-name",
    "reader",
    "--assume-role-policy-document",
    trust,
  );
  const readOnly = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
  await must(root, "iam", "attach-role-policy", "--role-name", "reader", "--policy-arn", readOnly);
  const { Credentials } = await must<{ Credentials: TheirKeys }>(
    ann,
    "sts",
    "assume-role",
    "--role-session-name",
    "test",
    "--role-arn",
    `arn:aws:iam::${Account}:role/reader`,
  );
  const reader = keysOf(Credentials);

  const { KeyMetadata } = await must<{ KeyMetadata: { KeyId: string } }>(root, "kms", "create-key");
  const file = join(cloud.dataFolder, "plain");
  writeFileSync(file, "a secret");
  const { CiphertextBlob } = await must<{ CiphertextBlob: string }>(
    root,
    "kms",
    "encrypt",
    "--key-id",
    KeyMetadata.KeyId,
    "--plaintext",
    `fileb://${file}`,
  );
  await must(
    root,
    "s3api",
    "put-object",
    "--bucket",
    "kept",
    "--key",
    "k",
    "--body",
    file,
    "--server-side-encryption",
    "aws:kms",
    "--ssekms-key-id",
    KeyMetadata.KeyId,
  );

  await cloud.kill();
  cloud.moreEnv = {};
  await assert.rejects(cloud.up("--no-agent"), /ended before it was ready/);
  const next = "the next master key of a test with 32 characters and more";
  cloud.moreEnv = { CANOPY_MASTER_KEY: next, CANOPY_MASTER_KEY_PREVIOUS: masterKey };
  await cloud.up("--no-agent");
  await cloud.kill();
  cloud.moreEnv = { CANOPY_MASTER_KEY: next };
  await cloud.up("--no-agent");

  await must(ann, "s3api", "put-object", "--bucket", "kept", "--key", "by-ann");
  await must(reader, "s3api", "head-object", "--bucket", "kept", "--key", "by-ann");
  await refused("AccessDenied", reader, "s3api", "put-object", "--bucket", "kept", "--key", "x");
  const blob = join(cloud.dataFolder, "blob");
  writeFileSync(blob, Buffer.from(CiphertextBlob, "base64"));
  const { Plaintext } = await must<{ Plaintext: string }>(
    root,
    "kms",
    "decrypt",
    "--ciphertext-blob",
    `fileb://${blob}`,
  );
  assert.equal(Buffer.from(Plaintext, "base64").toString(), "a secret");
  await must(
    root,
    "s3api",
    "get-object",
    "--bucket",
    "kept",
    "--key",
    "k",
    join(cloud.dataFolder, "got"),
  );

  await must(root, "iam", "detach-role-policy", "--role-name", "reader", "--policy-arn", readOnly);
  await must(root, "iam", "delete-role", "--role-name", "reader");
  await refused("InvalidToken", reader, "s3api", "list-buckets");
});
