import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { textOf } from "#/base/body.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { task } from "../../define.ts";
import { thisWorld } from "../../world.ts";
import { readError } from "../answers.ts";
import { verifierOf } from "../checksums.ts";

/** Where bytes are or go: by an address that was signed for that one call, so that no key leaves its owner; or in a file. */
export type End = { url: string; headers?: Record<string, string> } | { file: string };

export interface Load {
  key: string;
  sizeBytes: number;
  from: End;
  to: End;
  /** What the bytes must have; told by the manifest of an import. */
  sha256?: string;
}

export interface Carried {
  key: string;
  sizeBytes: number;
  sha256?: string;
  contentType?: string;
  metadata?: Record<string, string>;
  error?: string;
}

export interface Slice {
  loads: Load[];
  /** A file that is there on machines that have the folder which is meant. */
  mark?: string;
}

/** Brings objects from one place to another, one after the other, and tells the digest of each. */
export const carry = task(
  async ({ loads, mark }: Slice): Promise<Carried[]> => {
    const world = thisWorld();
    if (mark !== undefined && !(await world.files.stat(mark))) {
      throw new CanopyError(
        "not-found",
        `Cannot find ${dirname(mark)} on this machine, as it is another one's folder`,
        { hint: "Run the transfer on machines that have it: --label NAME=VALUE" },
      );
    }
    const carried: Carried[] = [];
    for (const load of loads) carried.push(await carryOne(load));
    return carried;
  },
  { title: "carry objects", cpus: 0.5, memory: "256MiB", retries: 3 },
);

async function carryOne(load: Load): Promise<Carried> {
  const { key, sizeBytes } = load;
  const world = thisWorld();
  for (let tries = 1; ; tries++) {
    try {
      return { key, ...(await bring(load)) };
    } catch (thrown) {
      const isPassing = thrown instanceof CanopyError && thrown.code === "unavailable";
      if (!isPassing || tries >= limits.objectTriesMax)
        return { key, sizeBytes, error: messageOf(thrown) };
      await sleep(world.clock, Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** tries));
    }
  }
}

async function bring({ from, to, sizeBytes, sha256 }: Load): Promise<Omit<Carried, "key">> {
  const { files } = thisWorld();
  const source = await opened(from);
  const verifier = await verifierOf(source.headers, "");
  const hash = createHash("sha256");
  let readBytes = 0;
  let fault: unknown;
  const checked = (async function* () {
    for await (const piece of source.body) {
      hash.update(piece);
      verifier?.update(piece);
      readBytes += piece.byteLength;
      yield piece;
    }
    verifier?.verify();
    if (readBytes !== sizeBytes)
      throw new CanopyError(
        "damaged",
        `Cannot take ${readBytes} bytes as they must be ${sizeBytes}`,
      );
    if (sha256 !== undefined && hash.copy().digest("hex") !== sha256)
      throw new CanopyError("damaged", `Cannot take what came as its SHA-256 must be ${sha256}`);
  })();
  const content = (async function* () {
    try {
      yield* checked;
    } catch (thrown) {
      fault = thrown;
      throw thrown;
    }
  })();
  try {
    // What is not as it must be throws before its end, and nothing is made of it.
    if ("file" in to) await files.writeStream(to.file, content);
    else await put(to, sizeBytes, content);
  } catch (thrown) {
    throw fault ?? thrown;
  }
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(source.headers))
    if (name.startsWith("x-amz-meta-")) metadata[name.slice("x-amz-meta-".length)] = value;
  const contentType = source.headers["content-type"] ?? "application/octet-stream";
  return { sizeBytes, sha256: hash.digest("hex"), contentType, metadata };
}

async function opened(
  end: End,
): Promise<{ body: AsyncIterable<Uint8Array>; headers: Record<string, string> }> {
  const { files, request } = thisWorld();
  if ("file" in end) {
    if (await files.stat(end.file)) return { body: files.stream(end.file), headers: {} };
    throw new CanopyError("not-found", `Cannot read ${end.file} as there is no such file`);
  }
  const headers = end.headers ?? {};
  const response = await request({ method: "GET", url: end.url, headers });
  if (response.status < 300) return response;
  throw await refusal(response);
}

async function put(
  { url, headers = {} }: { url: string; headers?: Record<string, string> },
  sizeBytes: number,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const response = await thisWorld().request({
    method: "PUT",
    url,
    headers: { ...headers, "content-length": String(sizeBytes) },
    body,
  });
  if (response.status >= 300) throw await refusal(response);
  await textOf(response.body);
}

async function refusal(response: {
  status: number;
  body: AsyncIterable<Uint8Array>;
}): Promise<CanopyError> {
  const error = await readError(await textOf(response.body).catch(() => ""));
  const code = response.status >= 500 || response.status === 429 ? "unavailable" : "forbidden";
  return new CanopyError(code, error?.message ?? `The store answered ${response.status}`);
}
