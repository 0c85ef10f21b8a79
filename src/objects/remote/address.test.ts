import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRemoteAddress } from "./address.ts";
import { readRemoteCredentials } from "./credentials.ts";

test("parseRemoteAddress() reads bucket, prefix, endpoint and region", () => {
  assert.deepEqual(parseRemoteAddress("s3://pool/a/b/?endpoint=http://10.0.0.1:7480&region=x"), {
    bucket: "pool",
    prefix: "a/b/",
    endpoint: "http://10.0.0.1:7480",
    region: "x",
  });
  assert.equal(parseRemoteAddress("s3://pool?endpoint=https://c.example").prefix, "");
  for (const wrong of ["pool", "s3://", "s3://pool", "s3://pool?endpoint=ftp://x", "http://pool"])
    assert.throws(() => parseRemoteAddress(wrong), { code: "invalid" }, wrong);
});

test("readRemoteCredentials() takes its own variables, then those of AWS's tools, then their profile", async () => {
  const text =
    "[default]\naws_access_key_id = A\n[other]\naws_access_key_id=B\naws_secret_access_key = s=1\n";
  const files = {
    read: async (path: string) => (path === "/h/.aws/credentials" ? Buffer.from(text) : undefined),
  };
  const aws = { AWS_ACCESS_KEY_ID: "C", AWS_SECRET_ACCESS_KEY: "t", AWS_SESSION_TOKEN: "u" };
  const own = { CANOPY_OBJECTS_ACCESS_KEY_ID: "D", CANOPY_OBJECTS_SECRET_ACCESS_KEY: "v" };
  const read = (env: Record<string, string>) => readRemoteCredentials(env, files);
  assert.deepEqual(await read({ ...aws, ...own }), { accessKeyId: "D", secretAccessKey: "v" });
  assert.equal((await read(aws)).sessionToken, "u");
  assert.deepEqual(await read({ HOME: "/h", AWS_PROFILE: "other" }), {
    accessKeyId: "B",
    secretAccessKey: "s=1",
  });
  await assert.rejects(read({ HOME: "/h" }), { code: "invalid" });
});
