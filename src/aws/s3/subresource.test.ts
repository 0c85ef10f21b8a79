import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { startS3 } from "./testing/s3-door.ts";

const Bucket = "whole";
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "k", Body: "kept" }));
});
after(() => s3.stop());

const ask = (method: string, path: string, query: Record<string, string>) =>
  s3.raw({ method, path: `/${Bucket}${path}`, query });

test("a method that a part does not know is not taken for one of the whole", async () => {
  for (const [method, name] of [
    ["DELETE", "acl"],
    ["DELETE", "retention"],
    ["DELETE", "legal-hold"],
    ["PUT", "uploads"],
    ["PUT", "attributes"],
    ["PUT", "torrent"],
    ["GET", "restore"],
  ] as const)
    assert.deepEqual(
      await ask(method, "/k", { [name]: "" }).then(({ status, code }) => [status, code]),
      [405, "MethodNotAllowed"],
      `${method} ${name}`,
    );
  for (const name of ["acl", "versioning", "policyStatus", "location", "versions", "uploads"])
    assert.equal((await ask("DELETE", "", { [name]: "" })).code, "MethodNotAllowed", name);
  const { status, headers } = await ask("HEAD", "", { versioning: "" });
  assert.deepEqual([status, headers.get("allow")], [405, "GET, PUT"]);
  assert.equal((await ask("GET", "/k", {})).body, "kept");
});

test("parameters that name no part are passed over, and two parts are one too many", async () => {
  assert.equal((await ask("GET", "/k", { foo: "1", location: "" })).body, "kept");
  assert.equal((await ask("GET", "/k", { acl: "", "x-id": "GetObjectAcl" })).status, 200);
  const both = await ask("GET", "", { policy: "", acl: "" });
  assert.deepEqual([both.status, both.code], [400, "InvalidArgument"]);
  assert.match(both.body, /Conflicting query string parameters: acl, policy/);
});
