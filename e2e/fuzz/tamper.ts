import type { Chance } from "#/base/testing/chance.ts";
import { chunked, presigned, rawOf, signed, type Key, type Wanted } from "./sign.ts";

/** Bytes for the wire, and what must not come of them. */
export interface Shot {
  what: string;
  method: string;
  raw: Buffer;
  /** It is by nobody, or not what was signed: it may not succeed. */
  isForged: boolean;
  /** It ends before it says that it does. */
  isCut: boolean;
}

const dayMs = 24 * 60 * 60_000;

function flipped(text: string, chance: Chance): string {
  const place = chance.below(text.length);
  const other = text[place] === "a" ? "b" : "a";
  return text.slice(0, place) + other + text.slice(place + 1);
}

function change(wanted: Wanted, name: string, to: (value: string) => string): void {
  for (const header of wanted.headers) if (header[0] === name) header[1] = to(header[1]);
}

/** Ways of forging: each makes what nobody with a key has made. */
const forgeries: [
  what: string,
  make: (wanted: Wanted, key: Key, host: string, chance: Chance) => Wanted,
][] = [
  [
    "signature",
    (wanted, key, host, chance) => {
      const { wanted: made } = signed(wanted, key, host);
      change(made, "authorization", (text) =>
        text.replace(/[0-9a-f]{64}$/, (old) => flipped(old, chance)),
      );
      return made;
    },
  ],
  [
    "secret",
    (wanted, key, host) => signed(wanted, { ...key, secret: `${key.secret}x` }, host).wanted,
  ],
  [
    "key",
    (wanted, key, host, chance) =>
      signed(wanted, { ...key, id: flipped(key.id, chance) }, host).wanted,
  ],
  [
    "late",
    (wanted, key, host, chance) =>
      signed(wanted, key, host, {
        atMs: Date.now() + chance.pick([-1, 1]) * chance.whole(1, 400) * dayMs,
      }).wanted,
  ],
  ["nobody", (wanted, _key, host) => ({ ...wanted, headers: [...wanted.headers, ["host", host]] })],
  [
    "authorization",
    (wanted, key, host, chance) => {
      const { wanted: made } = signed(wanted, key, host);
      const words = [
        "",
        "Bearer x",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=,SignedHeaders=,Signature=",
        "AWS x:y",
        "Basic eDp5",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f/g, SignedHeaders=host;;host, Signature=0",
      ];
      change(made, "authorization", () => chance.pick(words));
      return made;
    },
  ],
  [
    "scope",
    (wanted, key, host, chance) => {
      const { wanted: made } = signed(wanted, key, host);
      const to = chance.pick(["/19700101/", "/20260230/", "//", "/x/"]);
      change(made, "authorization", (text) => text.replace(/\/\d{8}\//, to));
      return made;
    },
  ],
  [
    "method",
    (wanted, key, host) => {
      const { wanted: made } = signed(wanted, key, host);
      return { ...made, method: made.method === "GET" ? "DELETE" : "GET" };
    },
  ],
  [
    "path",
    (wanted, key, host) => {
      const { wanted: made } = signed(wanted, key, host);
      return { ...made, path: `${made.path}1` };
    },
  ],
  [
    "query",
    (wanted, key, host) => {
      const { wanted: made } = signed(wanted, key, host);
      return { ...made, query: [...made.query, ["versions", ""]] };
    },
  ],
  [
    "body",
    (wanted, key, host, chance) => {
      const { wanted: made } = signed(wanted, key, host);
      const body = Buffer.from(made.body);
      if (body.length > 0) body[chance.below(body.length)]! ^= 1 + chance.below(255);
      else change(made, "x-amz-content-sha256", (text) => flipped(text, chance));
      return { ...made, body };
    },
  ],
  [
    "signed header",
    (wanted, key, host) => {
      const { wanted: made } = signed(wanted, key, host);
      change(made, "x-amz-date", (text) =>
        text.replace(/\d{6}Z$/, (old) => (old === "000000Z" ? "000001Z" : "000000Z")),
      );
      return made;
    },
  ],
  [
    "presigned",
    (wanted, key, host, chance) => {
      const made = presigned({ ...wanted, body: Buffer.alloc(0), method: "GET" }, key, host, "600");
      const signature = made.query.at(-1)!;
      signature[1] = flipped(signature[1], chance);
      return made;
    },
  ],
  [
    "expired",
    (wanted, key, host, chance) =>
      presigned(
        { ...wanted, method: "GET", body: Buffer.alloc(0) },
        key,
        host,
        chance.pick(["1", "0", "-5", "x", "604801", ""]),
        Date.now() - dayMs,
      ),
  ],
];

/** Signed as a stream of chunks, of which something is not as it was signed. */
function chunkShot(wanted: Wanted, key: Key, host: string, chance: Chance): Shot {
  const hasTrailer = chance.isOneIn(2);
  const headers: [string, string][] = [
    ...wanted.headers.filter(([name]) => !/^content-(?:length|md5)|checksum|if-none/.test(name)),
    ["content-encoding", "aws-chunked"],
    ["x-amz-decoded-content-length", String(wanted.body.length)],
    ...(hasTrailer ? ([["x-amz-trailer", "x-amz-checksum-crc32"]] as [string, string][]) : []),
  ];
  const payload = hasTrailer
    ? "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    : "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const pieces: Buffer[] = [];
  for (let at = 0; at < wanted.body.length; at += 8192)
    pieces.push(wanted.body.subarray(at, at + 8192));
  const made = signed({ ...wanted, headers, body: Buffer.alloc(0) }, key, host, { payload });
  const parts = chunked(
    made,
    pieces,
    hasTrailer ? ["x-amz-checksum-crc32", "AAAAAA=="] : undefined,
  );
  const all = () => Buffer.concat(parts);
  const edits: [string, () => Buffer][] = [
    [
      "flip",
      () => {
        const body = all();
        // Of the data: a size may be written in letters of either case.
        body[body.indexOf("\r\n") + 2 + chance.below(pieces[0]!.length)]! ^= 1 + chance.below(255);
        return body;
      },
    ],
    ["cut", () => all().subarray(0, chance.below(wanted.body.length))],
    ["missing", () => Buffer.concat(parts.toSpliced(chance.below(parts.length), 1))],
    ["twice", () => Buffer.concat([parts[0]!, ...parts])],
    ["turned", () => Buffer.concat(parts.toReversed())],
    [
      "size",
      () =>
        Buffer.from(
          all()
            .toString("latin1")
            .replace(
              /^[0-9a-f]+/,
              chance.pick(["-1", "fffffffff", "ffffffffffffffffffff", "zz", "", "0", "7fffffff"]),
            ),
          "latin1",
        ),
    ],
    [
      "newline",
      () =>
        Buffer.from(
          all()
            .toString("latin1")
            .replace("\r\n", chance.pick(["\n", "\r", "\r\n\r\n"])),
          "latin1",
        ),
    ],
    [
      "long line",
      () => Buffer.concat([Buffer.from(`1;chunk-signature=${"0".repeat(100_000)}`), all()]),
    ],
    ["plain", () => wanted.body],
  ];
  const [what, edit] = chance.pick(edits);
  const body = edit();
  const final: Wanted = {
    ...made.wanted,
    headers: [...made.wanted.headers, ["content-length", String(body.length)]],
    body,
  };
  // A wrong checksum in the trailer, or a chunk that was changed: none of it may be kept.
  return {
    what: `chunks: ${what}`,
    method: wanted.method,
    raw: rawOf(final),
    isForged: true,
    isCut: false,
  };
}

/** Bytes that are no request, or one that contradicts itself. */
function framingShot(wanted: Wanted, key: Key, host: string, chance: Chance): Shot {
  const raw = rawOf(signed(wanted, key, host).wanted);
  const text = raw.toString("latin1");
  const edits: [string, () => string][] = [
    [
      "garbage",
      () =>
        Array.from({ length: chance.whole(1, 400) }, () =>
          String.fromCharCode(chance.below(256)),
        ).join(""),
    ],
    [
      "version",
      () =>
        text.replace("HTTP/1.1", chance.pick(["HTTP/0.9", "HTTP/2.0", "HTTP/1.10", "HTP/1.1", ""])),
    ],
    ["no host", () => text.replace(/\r\nhost: [^\r]*/, "")],
    [
      "two lengths",
      () => text.replace("\r\n\r\n", "\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n"),
    ],
    ["both lengths", () => text.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n")],
    ["encoding", () => text.replace(/\r\ncontent-length: \d+/, "\r\ntransfer-encoding: gzip, x")],
    ["fold", () => text.replace("\r\nx-amz-date", "\r\n folded\r\nx-amz-date")],
    ["bare newline", () => text.replaceAll("\r\n", "\n")],
    ["no colon", () => text.replace("\r\n\r\n", "\r\nnonsense\r\n\r\n")],
    ["nul", () => text.replace("\r\n\r\n", "\r\nx: \u0000\r\n\r\n")],
    ["spaces", () => text.replace(": ", " : ")],
    ["flood", () => text.replace("\r\n\r\n", `\r\n${"a: b\r\n".repeat(5000)}\r\n`)],
    ["big header", () => text.replace("\r\n\r\n", `\r\na: ${"b".repeat(200_000)}\r\n\r\n`)],
    ["tls", () => "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"],
    [
      "upgrade",
      () => text.replace("\r\n\r\n", "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
    ],
    ["expect", () => text.replace("\r\n\r\n", "\r\nexpect: 200-ok\r\n\r\n")],
    [
      "flip",
      () => {
        const bytes = Buffer.from(raw);
        for (let count = chance.whole(1, 5); count > 0; count--)
          bytes[chance.below(bytes.length)] = chance.below(256);
        return bytes.toString("latin1");
      },
    ],
  ];
  const [what, edit] = chance.pick(edits);
  return {
    what: `framing: ${what}`,
    method: wanted.method,
    raw: Buffer.from(edit(), "latin1"),
    isForged: false,
    isCut: true,
  };
}

/** One request of those that a good client could have made, spoiled. */
export function spoil(
  wanted: Wanted,
  key: Key,
  host: string,
  chance: Chance,
  mutated: () => string,
): Shot {
  const turn = chance.below(20);
  const { method } = wanted;
  if (turn < 10) {
    const what = mutated();
    const isPresigned = chance.isOneIn(8);
    const made = isPresigned
      ? presigned(wanted, key, host, "600")
      : signed(wanted, key, host).wanted;
    const isFramed = made.headers.some(
      ([name]) =>
        name === "content-length" ||
        name === "transfer-encoding" ||
        name === "expect" ||
        name === "upgrade",
    );
    return { what, method: made.method, raw: rawOf(made), isForged: false, isCut: isFramed };
  }
  if (turn < 15) {
    const [what, forge] = chance.pick(forgeries);
    const made = forge(wanted, key, host, chance);
    return {
      what: `forged: ${what}`,
      method: made.method,
      raw: rawOf(made),
      isForged: true,
      isCut: true,
    };
  }
  if (turn < 17 && wanted.method === "PUT" && wanted.body.length > 0 && wanted.service === "s3")
    return chunkShot(wanted, key, host, chance);
  if (turn < 18 && wanted.body.length > 1) {
    const raw = rawOf(signed(wanted, key, host).wanted);
    const cut = raw.subarray(0, raw.length - 1 - chance.below(wanted.body.length));
    return { what: "cut", method, raw: cut, isForged: true, isCut: true };
  }
  return framingShot(wanted, key, host, chance);
}
