import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import * as sdk from "@aws-sdk/client-s3";
import { clientOptions, startAwsPort } from "../../testing/aws-port.ts";
import { siteOfHost } from "./site-of-host.ts";

const port = await startAwsPort();
const client = new sdk.S3Client(clientOptions(port.endpoint));
const Bucket = "site";
after(async () => {
  client.destroy();
  await port.stop();
});

before(async () => {
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  await client.send(new sdk.CreateBucketCommand({ Bucket: "plain" }));
  await client.send(new sdk.DeletePublicAccessBlockCommand({ Bucket }));
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: "*",
        Action: ["s3:GetObject", "s3:ListBucket"],
        Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
      },
    ],
  });
  await client.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy }));
  const pages = {
    "index.html": "home",
    "docs/index.html": "docs",
    "error.html": "sorry",
    "a b": "ab",
  };
  for (const [Key, Body] of Object.entries(pages))
    await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ContentType: "text/html" }));
  const moved = { Bucket, Key: "moved", Body: "", WebsiteRedirectLocation: "https://example.org/" };
  await client.send(new sdk.PutObjectCommand(moved));
  await putSite({
    IndexDocument: { Suffix: "index.html" },
    ErrorDocument: { Key: "error.html" },
    RoutingRules: [
      {
        Condition: { KeyPrefixEquals: "old/" },
        Redirect: { ReplaceKeyPrefixWith: "docs/", HttpRedirectCode: "302" },
      },
      {
        Condition: { KeyPrefixEquals: "lost/", HttpErrorCodeReturnedEquals: "404" },
        Redirect: { HostName: "example.org", Protocol: "https", ReplaceKeyWith: "found" },
      },
    ],
  });
});

const putSite = (WebsiteConfiguration: sdk.WebsiteConfiguration) =>
  client.send(new sdk.PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }));

interface Seen {
  status: number;
  location: string | undefined;
  type: string | undefined;
  error: string | undefined;
  body: string;
}

/** What a visitor sees. */
function visit(path: string, site = Bucket, method = "GET"): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${site}.s3-website.localhost:8421` };
    request(`${port.endpoint}${path}`, { headers, method }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => (body += text));
      answer.on("end", () => {
        const { location, "content-type": type } = answer.headers;
        const error = answer.headers["x-amz-error-code"]?.toString();
        resolve({ status: answer.statusCode!, location, type, error, body });
      });
    })
      .on("error", reject)
      .end();
  });
}

test("a website shows its index for every folder, and its pages", async () => {
  assert.partialDeepStrictEqual(await visit("/"), { status: 200, type: "text/html", body: "home" });
  assert.equal((await visit("/docs/")).body, "docs");
  assert.equal((await visit("/a%20b?x=1")).body, "ab");
  assert.partialDeepStrictEqual(await visit("/", Bucket, "HEAD"), { status: 200, body: "" });
});

test("a folder without its slash is sent to the one with it", async () => {
  assert.partialDeepStrictEqual(await visit("/docs"), { status: 302, location: "/docs/" });
});

test("visitors are sent on by an object, by a rule, and by a rule for what is not there", async () => {
  assert.partialDeepStrictEqual(await visit("/moved"), {
    status: 301,
    location: "https://example.org/",
  });
  assert.partialDeepStrictEqual(await visit("/old/x y"), {
    status: 302,
    location: `http://${Bucket}.s3-website.localhost:8421/docs/x%20y`,
  });
  assert.partialDeepStrictEqual(await visit("/lost/x"), {
    status: 301,
    location: "https://example.org/found",
  });
});

test("what is not there is the site's own page, with the status of an error", async () => {
  assert.partialDeepStrictEqual(await visit("/nothing"), {
    status: 404,
    error: "NoSuchKey",
    body: "sorry",
  });
});

test("without a page of its own, an error is one of ours", async () => {
  await putSite({ IndexDocument: { Suffix: "index.html" } });
  const { status, type, error, body } = await visit("/<nothing>");
  assert.deepEqual([status, type, error], [404, "text/html; charset=utf-8", "NoSuchKey"]);
  assert.match(body, /<li>Code: NoSuchKey<\/li>/);
  assert.match(body, /&lt;nothing&gt;/);
  assert.match((await visit("/", "plain")).body, /NoSuchWebsiteConfiguration/);
  assert.match((await visit("/", "no-such")).body, /NoSuchBucket/);
  assert.equal((await visit("/", Bucket, "POST")).status, 405);
  assert.equal((await visit("/%ff")).status, 400);
});

test("a bucket that nobody may look into shows nothing", async () => {
  const WebsiteConfiguration = { IndexDocument: { Suffix: "index.html" } };
  await client.send(new sdk.PutBucketWebsiteCommand({ Bucket: "plain", WebsiteConfiguration }));
  await client.send(new sdk.PutObjectCommand({ Bucket: "plain", Key: "index.html", Body: "x" }));
  assert.equal((await visit("/", "plain")).status, 403);
});

test("a site that is elsewhere sends everybody there", async () => {
  await putSite({ RedirectAllRequestsTo: { HostName: "example.org", Protocol: "https" } });
  assert.partialDeepStrictEqual(await visit("/a/b?c=d"), {
    status: 301,
    location: "https://example.org/a/b?c=d",
  });
});

test("siteOfHost() knows hosts of websites from all others", () => {
  assert.equal(siteOfHost("my.site.s3-website.example.org"), "my.site");
  assert.equal(siteOfHost("site.s3-website-us-east-1.example.org:80"), "site");
  assert.equal(siteOfHost("site.s3.example.org"), undefined);
  assert.equal(siteOfHost("127.0.0.1:8421"), undefined);
  assert.equal(siteOfHost(undefined), undefined);
});
