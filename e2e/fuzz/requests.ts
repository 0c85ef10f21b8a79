import { createHash } from "node:crypto";
import type { Chance } from "#/base/testing/chance.ts";
import { makeZip } from "#/functions/testing/make-zip.ts";
import type { Wanted } from "./sign.ts";

/** What requests are about. */
export interface Ground {
  bucket: string;
  host: string;
  /** An upload under way, of the key "upload". */
  uploadId: string;
  /** ARN of one that functions may have. */
  role: string;
}

const xml: [name: string, value: string] = ["content-type", "application/xml"];
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

type Make = (ground: Ground, chance: Chance) => Partial<Wanted> & { method: string };

/** A body that no other request has, so that what is kept of it can be told from a part of it. */
function content(chance: Chance): Buffer {
  const size = chance.pick([1, 17, 300, 4096, 20_000, 70_000]);
  const bytes = Buffer.alloc(size, `${chance.below(2 ** 32)} ${chance.below(2 ** 32)} `);
  return bytes;
}

const keyOf = (chance: Chance) => `k${chance.below(50)}`;
const document =
  (path: string, query: string, text: string): Make =>
  (ground) => ({
    method: "PUT",
    path: path === "" ? `/${ground.bucket}` : `/${ground.bucket}/${path}`,
    query: [[query, ""]],
    headers: [xml, ["content-md5", createHash("md5").update(text).digest("base64")]],
    body: Buffer.from(text),
  });
const read =
  (query: [string, string][]): Make =>
  (ground) => ({
    method: "GET",
    path: `/${ground.bucket}`,
    query,
  });

const s3: Make[] = [
  (ground, chance) => ({
    method: "PUT",
    path: `/${ground.bucket}/${keyOf(chance)}`,
    headers: [
      ["content-type", "text/plain"],
      ["x-amz-meta-colour", "blue"],
    ],
    body: content(chance),
  }),
  (ground, chance) => {
    const body = content(chance);
    return {
      method: "PUT",
      path: `/${ground.bucket}/${keyOf(chance)}`,
      headers: [
        ["x-amz-checksum-sha256", createHash("sha256").update(body).digest("base64")],
        ["content-md5", createHash("md5").update(body).digest("base64")],
        ["x-amz-tagging", "a=b&c=d"],
        ["if-none-match", "*"],
      ],
      body,
    };
  },
  (ground, chance) => ({
    method: "GET",
    path: `/${ground.bucket}/${keyOf(chance)}`,
    headers: [["range", "bytes=0-9"]],
    query: chance.isOneIn(3) ? [["response-content-type", "text/html"]] : [],
  }),
  (ground, chance) => ({ method: "HEAD", path: `/${ground.bucket}/${keyOf(chance)}` }),
  (ground, chance) => ({ method: "DELETE", path: `/${ground.bucket}/${keyOf(chance)}` }),
  (ground, chance) => ({
    method: "PUT",
    path: `/${ground.bucket}/${keyOf(chance)}`,
    headers: [
      ["x-amz-copy-source", `/${ground.bucket}/${keyOf(chance)}`],
      ["x-amz-metadata-directive", "COPY"],
    ],
  }),
  read([
    ["list-type", "2"],
    ["prefix", "k"],
    ["delimiter", "/"],
    ["max-keys", "5"],
  ]),
  read([
    ["prefix", "k"],
    ["marker", "k1"],
    ["encoding-type", "url"],
  ]),
  read([
    ["versions", ""],
    ["key-marker", "k1"],
  ]),
  read([["uploads", ""]]),
  read([["location", ""]]),
  (ground) => ({ method: "POST", path: `/${ground.bucket}/upload`, query: [["uploads", ""]] }),
  (ground, chance) => ({
    method: "PUT",
    path: `/${ground.bucket}/upload`,
    query: [
      ["partNumber", String(chance.whole(1, 4))],
      ["uploadId", ground.uploadId],
    ],
    body: content(chance),
  }),
  (ground) => ({
    method: "GET",
    path: `/${ground.bucket}/upload`,
    query: [
      ["uploadId", ground.uploadId],
      ["max-parts", "2"],
    ],
  }),
  (ground) => ({
    method: "POST",
    path: `/${ground.bucket}/upload`,
    query: [["uploadId", ground.uploadId]],
    headers: [xml],
    body: Buffer.from(
      `<CompleteMultipartUpload ${namespace}><Part><PartNumber>1</PartNumber><ETag>"0123456789abcdef0123456789abcdef"</ETag></Part></CompleteMultipartUpload>`,
    ),
  }),
  (ground, chance) => {
    const keys = [keyOf(chance), "none", keyOf(chance)];
    const body = `<Delete ${namespace}>${keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("")}</Delete>`;
    return {
      method: "POST",
      path: `/${ground.bucket}`,
      query: [["delete", ""]],
      headers: [xml, ["content-md5", createHash("md5").update(body).digest("base64")]],
      body: Buffer.from(body),
    };
  },
  document(
    "k1",
    "tagging",
    `<Tagging ${namespace}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`,
  ),
  document(
    "",
    "cors",
    `<CORSConfiguration ${namespace}><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://example.org</AllowedOrigin></CORSRule></CORSConfiguration>`,
  ),
  document(
    "",
    "lifecycle",
    `<LifecycleConfiguration ${namespace}><Rule><ID>r</ID><Filter><Prefix>old/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>400</Days></Expiration></Rule></LifecycleConfiguration>`,
  ),
  document(
    "",
    "tagging",
    `<Tagging ${namespace}><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`,
  ),
  (ground) => ({
    method: "PUT",
    path: `/${ground.bucket}`,
    query: [["policy", ""]],
    headers: [["content-type", "application/json"]],
    body: Buffer.from(
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Deny",
            Principal: "*",
            Action: "s3:GetObject",
            Resource: `arn:aws:s3:::${ground.bucket}/secret/*`,
          },
        ],
      }),
    ),
  }),
  () => ({ method: "GET", path: "/" }),
  (_ground, chance) => ({ method: "PUT", path: `/fuzz-${chance.below(20)}` }),
  (_ground, chance) => ({ method: "DELETE", path: `/fuzz-${chance.below(20)}` }),
  (ground) => ({ method: "HEAD", path: `/${ground.bucket}` }),
];

const form =
  (service: string, version: string, action: string, more = ""): Make =>
  () => ({
    method: "POST",
    path: "/",
    service,
    headers: [["content-type", "application/x-www-form-urlencoded; charset=utf-8"]],
    body: Buffer.from(`Action=${action}&Version=${version}${more}`),
  });
const json =
  (service: string, target: string, version: string, body: object): Make =>
  () => ({
    method: "POST",
    path: "/",
    service,
    headers: [
      ["content-type", `application/x-amz-json-${version}`],
      ["x-amz-target", target],
    ],
    body: Buffer.from(JSON.stringify(body)),
  });

/** A call about functions: its methods and addresses say what it asks for. */
const rest =
  (
    method: string,
    path: string,
    query: [string, string][],
    body?: (ground: Ground, chance: Chance) => object,
  ): Make =>
  (ground, chance) => ({
    method,
    path,
    query,
    service: "lambda",
    headers: body ? [["content-type", "application/json"]] : [],
    body: body ? Buffer.from(JSON.stringify(body(ground, chance))) : Buffer.alloc(0),
  });
const functions = "/2015-03-31/functions";
const ZipFile = makeZip([{ name: "app.py", content: "handler = print" }]).toString("base64");

const aboutFunctions: Make[] = [
  rest("GET", functions, [
    ["MaxItems", "5"],
    ["FunctionVersion", "ALL"],
  ]),
  rest("GET", `${functions}/fuzz`, [["Qualifier", "live"]]),
  rest("DELETE", `${functions}/fuzz`, []),
  rest("POST", functions, [], ({ role }, chance) => ({
    FunctionName: "fuzz",
    Role: role,
    Runtime: "python3.13",
    Handler: "app.handler",
    Code: { ZipFile },
    Tags: { team: "a" },
    Publish: chance.isOneIn(2),
  })),
  rest("PUT", `${functions}/fuzz/configuration`, [], () => ({
    MemorySize: 512,
    Environment: { Variables: { NAME: "value" } },
  })),
  rest("PUT", `${functions}/fuzz/code`, [], () => ({ ZipFile, Publish: true })),
  rest("POST", `${functions}/fuzz/aliases`, [], () => ({
    Name: "live",
    FunctionVersion: "1",
    RoutingConfig: { AdditionalVersionWeights: { 2: 0.5 } },
  })),
  rest("POST", `${functions}/fuzz/policy`, [], (_ground, chance) => ({
    StatementId: `s${chance.below(20)}`,
    Action: "lambda:InvokeFunction",
    Principal: "s3.amazonaws.com",
  })),
];

const others: Make[] = [
  form("sts", "2011-06-15", "GetCallerIdentity"),
  form("iam", "2010-05-08", "ListUsers", "&MaxItems=10&PathPrefix=%2F"),
  form("iam", "2010-05-08", "GetUser", "&UserName=nobody"),
  form(
    "ec2",
    "2016-11-15",
    "DescribeRegions",
    "&Filter.1.Name=region-name&Filter.1.Value.1=us-east-1",
  ),
  json("sqs", "AmazonSQS.ListQueues", "1.0", { QueueNamePrefix: "fuzz", MaxResults: 5 }),
  json("sqs", "AmazonSQS.CreateQueue", "1.0", {
    QueueName: "fuzz",
    Attributes: { DelaySeconds: "3" },
  }),
  ...aboutFunctions,
  json("kms", "TrentService.ListKeys", "1.1", { Limit: 5 }),
  json("kms", "TrentService.GenerateDataKey", "1.1", { KeyId: "alias/none", NumberOfBytes: 32 }),
  json("cloudtrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", "1.1", {
    MaxResults: 2,
  }),
];

/** A request as a good client would make it. */
export function requestOf(ground: Ground, chance: Chance): Wanted {
  const make = chance.isOneIn(4) ? chance.pick(others) : chance.pick(s3);
  const {
    method,
    path = "/",
    query = [],
    headers = [],
    body = Buffer.alloc(0),
    service = "s3",
  } = make(ground, chance);
  const isSized = body.length > 0 || method === "PUT" || method === "POST";
  return {
    method,
    path,
    // Copied, as what is spoiled of it may be what all requests of a kind share.
    query: query.map(([name, value]) => [name, value]),
    headers: [
      ...headers.map(([name, value]): [string, string] => [name, value]),
      ...(isSized ? ([["content-length", String(body.length)]] as [string, string][]) : []),
    ],
    body,
    service,
  };
}
