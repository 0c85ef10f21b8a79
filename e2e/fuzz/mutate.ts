import type { Chance } from "#/base/testing/chance.ts";
import type { Wanted } from "./sign.ts";

/** A change of a request, made before it is signed: the signature is right, and what it signs is not. */
type Mutation = (wanted: Wanted, chance: Chance) => void;

export const weird = [
  "",
  " ",
  "\u0001",
  "\u007f\u0080ÿ",
  "-1",
  "0",
  "1e9",
  "99999999999999999999",
  "NaN",
  "null",
  "true",
  "{}",
  "[]",
  "<x>",
  "'\"`",
  "../../etc/passwd",
  "%00%ff%zz",
  "${jndi:x}",
  "a,b;c=d",
  "*",
  "bytes=-",
  "bytes=9-1,2-",
  "bytes=0-99999999999999999999",
  "Thu, 99 Foo 2026 99:99:99 GMT",
  "STANDARD; DROP TABLE",
  "arn:aws:::::",
  "AWS4-HMAC-SHA256",
  "=?UTF-8?Q?=E2=82?=",
] as const;

const headerNames = [
  "content-type",
  "content-md5",
  "content-encoding",
  "cache-control",
  "expires",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "range",
  "x-amz-acl",
  "x-amz-checksum-algorithm",
  "x-amz-checksum-crc32",
  "x-amz-checksum-crc64nvme",
  "x-amz-checksum-type",
  "x-amz-copy-source",
  "x-amz-copy-source-range",
  "x-amz-copy-source-if-match",
  "x-amz-decoded-content-length",
  "x-amz-expected-bucket-owner",
  "x-amz-grant-read",
  "x-amz-meta-x",
  "x-amz-mfa",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
  "x-amz-request-payer",
  "x-amz-sdk-checksum-algorithm",
  "x-amz-server-side-encryption",
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-server-side-encryption-customer-key",
  "x-amz-server-side-encryption-customer-key-md5",
  "x-amz-storage-class",
  "x-amz-tagging",
  "x-amz-trailer",
  "x-amz-website-redirect-location",
  "x-amz-target",
  "x-amz-bypass-governance-retention",
  "origin",
  "transfer-encoding",
  "expect",
  "te",
  "upgrade",
  "cookie",
];

const queryNames = [
  "acl",
  "accelerate",
  "analytics",
  "attributes",
  "cors",
  "delete",
  "encryption",
  "inventory",
  "legal-hold",
  "lifecycle",
  "list-type",
  "location",
  "logging",
  "max-keys",
  "max-parts",
  "max-uploads",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "partNumber",
  "policy",
  "policyStatus",
  "prefix",
  "publicAccessBlock",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "start-after",
  "continuation-token",
  "tagging",
  "torrent",
  "uploadId",
  "uploads",
  "versionId",
  "versioning",
  "versions",
  "website",
  "delimiter",
  "encoding-type",
  "marker",
  "key-marker",
  "version-id-marker",
  "upload-id-marker",
  "part-number-marker",
  "fetch-owner",
  "response-expires",
  "x-id",
  "Action",
  "X-Amz-Algorithm",
  "X-Amz-Expires",
  "AWSAccessKeyId",
  "Signature",
];

const long = (chance: Chance) => "x".repeat(chance.pick([300, 1025, 9000, 70_000]));
const value = (chance: Chance) => (chance.isOneIn(12) ? long(chance) : chance.pick(weird));
const at = <T>(list: T[], chance: Chance) => chance.below(Math.max(1, list.length));

const headers: Mutation[] = [
  (wanted, chance) => void wanted.headers.push([chance.pick(headerNames), value(chance)]),
  (wanted, chance) => void wanted.headers.splice(at(wanted.headers, chance), 1),
  (wanted, chance) => {
    const header = wanted.headers[at(wanted.headers, chance)];
    if (header) wanted.headers.push([header[0], value(chance)]);
  },
  (wanted, chance) => {
    const header = wanted.headers[at(wanted.headers, chance)];
    if (header) header[1] = value(chance);
  },
  (wanted, chance) => {
    for (let count = chance.pick([60, 300, 2500]); count > 0; count--)
      wanted.headers.push([`x-amz-meta-${count}`, "y"]);
  },
  (wanted, chance) => {
    const length = wanted.headers.find(([name]) => name === "content-length");
    if (length)
      length[1] = chance.pick(["-1", "abc", "", "99999999999999999999", "0x10", "1 2", "1,1"]);
  },
];

const queries: Mutation[] = [
  (wanted, chance) => void wanted.query.push([chance.pick(queryNames), value(chance)]),
  (wanted, chance) => void wanted.query.splice(at(wanted.query, chance), 1),
  (wanted, chance) => {
    const pair = wanted.query[at(wanted.query, chance)];
    if (pair) pair[1] = value(chance);
  },
  (wanted, chance) => {
    const pair = wanted.query[at(wanted.query, chance)];
    if (pair) wanted.query.push([pair[0], value(chance)]);
  },
];

const paths: Mutation[] = [
  (wanted, chance) => {
    const more = chance.pick([
      "/../../etc/passwd",
      "/%2e%2e/%2e%2e/x",
      "//",
      "/%00",
      "/%ff%fe",
      "/%zz",
      "/a%",
      "/%0d%0aX-Y:%20z",
      "/\t",
      "/é",
      `/${"k".repeat(1025)}`,
      `/${"%41".repeat(400)}`,
      "/.",
      "/..",
      "/*",
      "/a?b",
      "/#c",
      `/${"a/".repeat(600)}`,
    ]);
    wanted.path += more;
  },
  (wanted, chance) => {
    wanted.path = chance.pick([
      "",
      "*",
      "x",
      "//",
      "/..",
      "/A_B",
      "/-",
      "/a",
      "/xn--b",
      `/${"b".repeat(64)}`,
      "/192.168.0.1",
      "/%2f",
      "http://elsewhere/x",
      "/canopy/v1/jobs",
      "/v1/blobs",
      "/\\..\\..",
      "/%F0%9F%98%80",
    ]);
  },
];

const methods: Mutation[] = [
  (wanted, chance) => {
    wanted.method = chance.pick([
      "GET",
      "PUT",
      "POST",
      "DELETE",
      "HEAD",
      "OPTIONS",
      "PATCH",
      "TRACE",
      "PROPFIND",
      "get",
      "FOO",
    ]);
  },
];

const sized = (wanted: Wanted, body: Buffer) => {
  wanted.body = body;
  wanted.headers = wanted.headers.filter(
    ([name]) => !/^content-(?:length|md5)$|checksum/.test(name),
  );
  wanted.headers.push(["content-length", String(body.length)]);
};

const bodies: Mutation[] = [
  (wanted, chance) => sized(wanted, wanted.body.subarray(0, chance.below(wanted.body.length + 1))),
  (wanted, chance) => {
    const body = Buffer.from(wanted.body);
    for (let count = chance.whole(1, 8); count > 0 && body.length > 0; count--)
      body[chance.below(body.length)] = chance.below(256);
    sized(wanted, body);
  },
  (wanted, chance) => {
    const bomb = chance.pick([
      `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 12 }, (_, n) => `<!ENTITY ${"bcdefghijklm"[n]} "${`&${"abcdefghijkl"[n]};`.repeat(10)}">`).join("")}]><Delete><Object><Key>&m;</Key></Object></Delete>`,
      `<!DOCTYPE x SYSTEM "file:///etc/passwd"><Tagging>&x;</Tagging>`,
      `${"<a>".repeat(20_000)}`,
      `<Delete>${"<Object><Key>k</Key></Object>".repeat(1500)}</Delete>`,
      `<CompleteMultipartUpload>${"<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>".repeat(11_000)}</CompleteMultipartUpload>`,
      "\uFEFF<Tagging/>",
      "<Tagging><TagSet><Tag><Key></Key></Tag></TagSet></Tagging>",
      "<a></b>",
      "&#0;&#x110000;",
      "[".repeat(50_000),
      '{"a":'.repeat(20_000),
      '{"QueueName":123,"MaxResults":"x","Limit":{}}',
      '{"__proto__":{"x":1},"constructor":{}}',
      "null",
      "Action=",
      `Action=ListUsers&${"a.b.".repeat(2000)}=1`,
      "Filter.999999999.Name=x&Action=DescribeRegions&Version=2016-11-15",
      "%zz=%&&==&",
      "\u0000\u0001\u0002",
    ]);
    sized(wanted, Buffer.from(bomb));
  },
  (wanted) => sized(wanted, Buffer.from(wanted.body.toString("latin1"), "utf16le")),
  (wanted, chance) => {
    const text = wanted.body.toString("latin1");
    const tags = [...text.matchAll(/>([^<]+)</g)];
    const tag = tags[at(tags, chance)];
    if (!tag) return;
    const from = tag.index + 1;
    sized(
      wanted,
      Buffer.from(text.slice(0, from) + value(chance) + text.slice(from + tag[1]!.length)),
    );
  },
];

/** The more there are of a kind, the more often it is. */
const kinds: [kind: string, weight: number, mutations: Mutation[]][] = [
  ["header", 5, headers],
  ["query", 4, queries],
  ["path", 3, paths],
  ["method", 1, methods],
  ["body", 4, bodies],
];
const drawn = kinds.flatMap(([kind, weight, list]) =>
  Array.from({ length: weight }, () => [kind, list] as const),
);

/** Changes a request in one to three ways; says of which kinds they were. */
export function mutate(wanted: Wanted, chance: Chance): string {
  const said: string[] = [];
  for (let count = chance.pick([1, 1, 1, 2, 3]); count > 0; count--) {
    const [kind, list] = chance.pick(drawn);
    chance.pick(list)(wanted, chance);
    said.push(kind);
  }
  return said.join("+");
}
