import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceNameOf } from "./identify.ts";
import { targetOf } from "./target.ts";

const json = {
  "content-type": "application/x-amz-json-1.0",
  "x-amz-target": "AmazonSQS.ListQueues",
};
const form = { "content-type": "application/x-www-form-urlencoded" };

test("a host names a service to who calls it as its clients do", () => {
  const post = targetOf("POST", "/");
  assert.equal(serviceNameOf(post, { host: "sqs.us-east-1.amazonaws.com", ...json }), "sqs");
  assert.equal(serviceNameOf(post, { host: "sts.localhost:8421", ...form }), "sts");
  const get = targetOf("GET", "/1/q?Action=ReceiveMessage&Version=2012-11-05");
  assert.equal(serviceNameOf(get, { host: "sqs.localhost:8421" }), "sqs");
});

test("a bucket that is called as a service is stays a bucket in hosts", () => {
  const get = targetOf("GET", "/a/key");
  for (const host of [
    "sqs.s3.localhost",
    "sqs.s3-eu-west-1.amazonaws.com:80",
    "iam.S3.example.com",
  ])
    assert.equal(serviceNameOf(targetOf("POST", "/?delete"), { host, ...form }), "s3");
  assert.equal(serviceNameOf(get, { host: "sqs.localhost:8421" }), undefined);
  const upload = { host: "kms.localhost", "content-type": "multipart/form-data; boundary=x" };
  assert.equal(serviceNameOf(targetOf("POST", "/"), upload), undefined);
});

test("the scope of a signature goes before the host", () => {
  const authorization = "AWS4-HMAC-SHA256 Credential=AKIA/20261123/us-east-1/s3/aws4_request, Sig";
  const host = "sqs.localhost";
  assert.equal(serviceNameOf(targetOf("POST", "/"), { authorization, host, ...json }), "s3");
});
