import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { silent } from "#/base/log.ts";
import { limits } from "#/base/limits.ts";
import { accessKeyId, startAwsPort } from "./testing/aws-port.ts";
import { ask, type Asked } from "./testing/signed.ts";

const errors: string[] = [];
let aws: Awaited<ReturnType<typeof startAwsPort>>;
before(async () => {
  aws = await startAwsPort({
    log: {
      ...silent,
      error: (message, fields) => void errors.push(`${message} ${JSON.stringify(fields)}`),
    },
  });
  assert.equal((await ask(aws.endpoint, { method: "PUT", path: "/a-bucket" })).status, 200);
});
after(() => aws.stop());

const code = (text: string) =>
  /<Code>(\w+)<|"__type":"(?:[^"#]*#)?(\w+)"/.exec(text)?.slice(1).find(Boolean);

test("bad documents, forms and names get the errors that AWS documents", async () => {
  const json = {
    "content-type": "application/x-amz-json-1.0",
    "x-amz-target": "AmazonSQS.SendMessage",
  };
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const tagging = (headers: Record<string, string>): Asked => ({
    method: "PUT",
    path: "/a-bucket?tagging",
    headers,
    body: "<Tagging><TagSet/></Tagging>",
  });
  const bomb = `<!DOCTYPE a [<!ENTITY b "${"b".repeat(50)}">]><Tagging>&b;</Tagging>`;
  const cases: [Asked, number, string | undefined][] = [
    [{ method: "PUT", path: "/a-bucket?tagging", body: "<Tagging>" }, 400, "MalformedXML"],
    [{ method: "PUT", path: "/a-bucket?tagging", body: bomb }, 400, "MalformedXML"],
    [{ method: "PUT", path: "/a-bucket?tagging", body: "<a>".repeat(5000) }, 400, "MalformedXML"],
    [{ method: "PUT", path: "/a-bucket?tagging", body: "<Other/>" }, 400, "MalformedXML"],
    [tagging({ "content-md5": "x" }), 400, "InvalidDigest"],
    [tagging({ "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }), 400, "BadDigest"],
    [tagging({ "x-amz-checksum-crc32": "AAAAAA==" }), 400, "BadDigest"],
    [tagging({ "x-amz-checksum-sha256": "AAAA" }), 400, "InvalidRequest"],
    [{ method: "PUT", path: "/a-bucket?tagging" }, 400, "MissingRequestBodyError"],
    [{ method: "PUT", path: "/no-bucket?tagging", body: "<Tagging>" }, 404, "NoSuchBucket"],
    [{ method: "PATCH", path: "/a-bucket" }, 405, "MethodNotAllowed"],
    [{ method: "POST", path: "/a-bucket/k" }, 405, "MethodNotAllowed"],
    [{ method: "PUT", path: "/" }, 405, "MethodNotAllowed"],
    [{ method: "GET", path: `/a-bucket/${"k".repeat(1025)}` }, 400, "KeyTooLongError"],
    [
      { service: "sts", headers: form, body: "Action=Nothing&Version=2011-06-15" },
      400,
      "InvalidAction",
    ],
    [{ service: "sts", headers: form, body: "Version=2011-06-15" }, 400, "MissingAction"],
    [{ service: "sts", headers: form, body: "Action=%zz" }, 400, "MalformedQueryString"],
    [
      { service: "sts", headers: form, body: `Action=GetCallerIdentity&${"a.".repeat(50)}=1` },
      400,
      "MalformedQueryString",
    ],
    [{ service: "nothing", headers: json, body: "{}" }, 400, "UnknownOperationException"],
  ];
  for (const [asked, status, expected] of cases) {
    const answer = await ask(aws.endpoint, asked);
    assert.deepEqual(
      [answer.status, code(answer.text)],
      [status, expected],
      JSON.stringify(asked).slice(0, 200),
    );
  }
});

test("a body that is larger than a document may be is refused before all of it is there", async () => {
  const socket = connect(aws.port, "127.0.0.1");
  socket.write(
    `POST / HTTP/1.1\r\nhost: sts.localhost\r\nauthorization: AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/us-east-1/sts/aws4_request\r\ncontent-length: ${limits.awsDocumentBytesMax + 1}\r\n\r\nAction=`,
  );
  const [data] = (await once(socket, "data")) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 413 [\s\S]*RequestEntityTooLarge/);
  socket.destroy();
});

test("nobody's signed or unsigned nonsense makes the door fail", async () => {
  const word = fc.constantFrom(
    "",
    "a-bucket",
    "..",
    "%2e%2e",
    "%00",
    "%ff",
    "k/../k",
    "ü",
    "'",
    "{}",
    "$",
    "%zz",
    "x".repeat(300),
  );
  const parameter = fc.constantFrom(
    "uploads",
    "uploadId",
    "tagging",
    "list-type=2",
    "versions",
    "partNumber=x",
    "max-keys=-1",
    "acl",
    "policy",
    "X-Amz-Credential=a",
    "Action=ListUsers",
    "x-id=GetObject",
    "=",
    "&&",
    "delete",
    "response-expires=never",
  );
  const header = fc.constantFrom<[string, string]>(
    ["content-type", "multipart/form-data; boundary=x"],
    ["content-type", "application/x-www-form-urlencoded"],
    ["x-amz-target", "AmazonSQS.Nothing"],
    ["x-amz-copy-source", "%"],
    ["content-md5", "x"],
    ["range", "bytes=a-b"],
    ["host", "a.s3.localhost"],
    ["authorization", "AWS4-HMAC-SHA256 Credential=/////"],
    ["authorization", "AWS a:b"],
    ["x-amz-date", "never"],
    ["expect", "100-continue"],
    ["if-modified-since", "x"],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"),
      fc.array(word, { maxLength: 3 }),
      fc.array(parameter, { maxLength: 3 }),
      fc.array(header, { maxLength: 3 }),
      fc.constantFrom("", "<a/>", "{", "a=b", "\u0000", "<Delete>", "x".repeat(5000)),
      async (method, words, parameters, headers, body) => {
        const path = `/${words.join("/")}${parameters.length > 0 ? `?${parameters.join("&")}` : ""}`;
        const status = await rawStatus(
          method,
          encodeURI(path).replaceAll("%25", "%"),
          headers,
          body,
        );
        assert.ok(status < 500 || status === 501, `${status} for ${method} ${path}`);
        assert.deepEqual(errors, []);
      },
    ),
    { numRuns: 400 },
  );
});

/** The status of one request that no client would send. */
async function rawStatus(
  method: string,
  path: string,
  headers: [string, string][],
  body: string,
): Promise<number> {
  const socket = connect(aws.port, "127.0.0.1");
  const names = new Set(headers.map(([name]) => name));
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...(names.has("host") ? [] : ["host: x"]),
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    ...headers
      .filter(([name], index) => headers.findIndex(([other]) => other === name) === index)
      .map(([name, value]) => `${name}: ${value}`),
  ];
  let text = "";
  socket.on("data", (data: Buffer) => (text += data.toString("latin1")));
  socket.on("error", () => {});
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
  await once(socket, "close");
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
  return statuses.findLast((status) => status !== 100) ?? 599;
}
