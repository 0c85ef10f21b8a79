import assert from "node:assert/strict";
import { after, test } from "node:test";
import { accountId, region, startAwsPort } from "../testing/aws-port.ts";

const { endpoint, parts, stop } = await startAwsPort();
after(stop);

const bucket = await parts.buckets.create({
  name: "pictures",
  project: "default",
  accountId,
  region,
});
await parts.buckets.create({ name: "closed", project: "default", accountId, region });
await parts.buckets.change(bucket, (spec) => ({
  ...spec,
  cors: [
    {
      origins: ["https://*.example.org"],
      methods: ["PUT", "GET"],
      headers: ["x-amz-*"],
      exposed: ["ETag"],
      maxAgeSeconds: 30,
    },
    { origins: ["*"], methods: ["HEAD"] },
  ],
}));

const ask = (path: string, headers: Record<string, string>) =>
  fetch(`${endpoint}/${path}`, { method: "OPTIONS", headers });

test("a preflight is answered by the first rule that fits", async () => {
  const { status, headers } = await ask("pictures/a", {
    origin: "https://www.example.org",
    "access-control-request-method": "PUT",
    "access-control-request-headers": "X-Amz-Date, x-amz-meta-a",
  });
  assert.equal(status, 200);
  assert.equal(headers.get("access-control-allow-origin"), "https://www.example.org");
  assert.equal(headers.get("access-control-allow-methods"), "PUT, GET");
  assert.equal(headers.get("access-control-allow-headers"), "x-amz-date, x-amz-meta-a");
  assert.equal(headers.get("access-control-expose-headers"), "ETag");
  assert.equal(headers.get("access-control-max-age"), "30");
  assert.equal(headers.get("access-control-allow-credentials"), "true");
  assert.match(headers.get("vary")!, /Origin/);
});

test("a preflight that no rule lets through is refused", async () => {
  const asked = { origin: "https://example.com", "access-control-request-method": "PUT" };
  const refused = await ask("pictures/a", asked);
  assert.equal(refused.status, 403);
  assert.match(await refused.text(), /<Code>AccessForbidden<\/Code>/);
  assert.equal(refused.headers.get("access-control-allow-origin"), null);
  const closed = await ask("closed/a", asked);
  assert.match(await closed.text(), /CORS is not enabled for this bucket/);
  assert.equal((await ask("pictures/a", { origin: "https://example.com" })).status, 400);
  assert.equal((await ask("pictures/a", { "access-control-request-method": "PUT" })).status, 400);
  assert.equal((await ask("no-such/a", asked)).status, 404);
});

test("every other answer says it too, errors as well", async () => {
  const seen = await fetch(`${endpoint}/pictures?versioning`, {
    headers: { origin: "https://www.example.org" },
  });
  assert.equal(seen.status, 403);
  assert.equal(seen.headers.get("access-control-allow-origin"), "https://www.example.org");
  const head = await fetch(`${endpoint}/pictures`, {
    method: "HEAD",
    headers: { origin: "https://example.com" },
  });
  assert.equal(head.headers.get("access-control-allow-origin"), "*");
  assert.equal(head.headers.get("access-control-allow-credentials"), null);
  const plain = await fetch(`${endpoint}/pictures`);
  assert.equal(plain.headers.get("access-control-allow-origin"), null);
});
