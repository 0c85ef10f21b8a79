import { createHash } from "node:crypto";
import { limits } from "#/base/limits.ts";
import { Chance } from "#/base/testing/chance.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import type { Page } from "#/model/views.ts";
import { TestCloud } from "../cloud.ts";
import { until } from "../until.ts";
import { Ec2Calls } from "./ec2.ts";
import { mutate } from "./mutate.ts";
import { requestOf, type Ground } from "./requests.ts";
import { rawOf, signed, type Key, type Wanted } from "./sign.ts";
import { spoil } from "./tamper.ts";
import { Wire, type Answer } from "./wire.ts";

export interface FuzzOptions {
  requests: number;
  seed: number;
  wires?: number;
  say?: (line: string) => void;
}

export interface Fuzzed {
  requests: number;
  /** How many got which status, "closed" or "silent". */
  answers: Record<string, number>;
  faults: string[];
  objectsLooked: number;
  tookMs: number;
}

/** Statuses from 500 on that say something of what was asked, and not of what went wrong. */
const fineAbove500 = new Set([501]);
/** EC2 answers so, with 500, where it has no more to give. */
const lacksRoom = /<Code>Insufficient\w+Capacity</;
const faultsMax = 20;
const sayMs = 10_000;

/**
 * Sends malformed requests to a real cloud, over sockets that care for no rule. It must live on and answer well-formed requests;
 * nothing may be answered with 5xx; nothing forged or cut may succeed; and what objects hold at the end must be, to the byte,
 * what some request brought whole.
 */
export async function fuzz({ requests, seed, wires = 8, say }: FuzzOptions): Promise<Fuzzed> {
  const cloud = new TestCloud();
  const faults: string[] = [];
  const answers: Record<string, number> = {};
  const startMs = performance.now();
  try {
    await cloud.up();
    const { port, host } = new URL(cloud.awsUrl);
    const made = await cloud.call<{ accessKeyId: string; secretAccessKey: string }>(
      "POST",
      "/v1/access-keys",
      { title: "fuzz" },
    );
    const key: Key = { id: made.accessKeyId, secret: made.secretAccessKey };
    const whole = new Set<string>([digestOf(Buffer.alloc(0))]);
    const ground = await prepare(Number(port), host, key);
    const ec2 = await Ec2Calls.open();
    let sent = 0;
    const pound = async (chance: Chance) => {
      const wire = new Wire(Number(port));
      while (sent < requests && faults.length < faultsMax) {
        const number = sent++;
        const own = chance.fork();
        const isControl = number % 50 === 0;
        const isEc2 = !isControl && own.isOneIn(5);
        const wanted = isEc2 ? ec2.next(own) : requestOf(ground, own);
        let what = isControl ? "control" : "call of EC2";
        let shot;
        // What EC2 is asked for is wrong in itself; it is sent as it should be.
        if (isControl || isEc2)
          shot = {
            what,
            method: wanted.method,
            raw: rawOf(signed(wanted, key, host).wanted),
            isForged: false,
            isCut: false,
          };
        else shot = spoil(wanted, key, host, own, () => mutate(wanted, own));
        ({ what } = shot);
        // Only what was sent whole, and may be what it says, can be an object.
        if (!shot.isForged) remember(wanted, whole);
        const answer = await wire.ask(shot.raw, shot.method, shot.isCut);
        if (isEc2 && typeof answer !== "string") ec2.learn(answer.body);
        const status = typeof answer === "string" ? answer : String(answer.status);
        answers[status] = (answers[status] ?? 0) + 1;
        const fault = faultOf(answer, shot.isForged, isControl);
        if (fault !== undefined)
          faults.push(
            `${what}, request ${number} of seed ${seed}: ${fault}\n${textOf(shot.raw)}\n${typeof answer === "string" ? answer : answer.body.slice(0, 400)}`,
          );
      }
      wire.close();
    };
    const first = new Chance(seed);
    const timer = setInterval(
      () => say?.(`${sent} of ${requests}: ${JSON.stringify(answers)}`),
      sayMs,
    );
    await Promise.all(Array.from({ length: wires }, () => pound(first.fork())));
    clearInterval(timer);
    const looked = await lookAtObjects(Number(port), host, key, ground, whole, faults);
    await cloud.call("GET", "/v1/status");
    return {
      requests: sent,
      answers,
      faults,
      objectsLooked: looked,
      tookMs: performance.now() - startMs,
    };
  } finally {
    await endGuests(cloud);
    await cloud.stop();
  }
}

/** Instances outlive their cloud, and what was made up has launched some. */
async function endGuests(cloud: TestCloud): Promise<void> {
  if (cloud.url === "") return;
  await until("all guests have ended", async () => {
    const path = `/v1/instances?limit=${limits.pageMax}`;
    let page: Page<InstanceView> | undefined;
    let left = 0;
    do {
      const from: string = page?.next ? `&cursor=${page.next}` : "";
      page = await cloud.call<Page<InstanceView>>("GET", path + from);
      for (const { id, state, isTerminationProtected } of page.items) {
        if (state === "terminated") continue;
        left++;
        if (state === "shutting-down") continue;
        if (isTerminationProtected)
          await cloud.call("PATCH", `/v1/instances/${id}`, { isTerminationProtected: false });
        await cloud.call("DELETE", `/v1/instances/${id}`);
      }
    } while (page.next);
    return left === 0;
  });
}

function faultOf(answer: Answer | "closed" | "silent", isForged: boolean, isControl: boolean) {
  if (answer === "silent") return "got no answer";
  if (answer === "closed") return isControl ? "a good request was hung up on" : undefined;
  const { status, body } = answer;
  if (status >= 500 && !fineAbove500.has(status) && !lacksRoom.test(body)) return `got ${status}`;
  if (isForged && status < 400 && !isRefusedInside(answer)) return `is forged and got ${status}`;
  if (isControl && (status === 400 || status === 401 || status === 403))
    return isExpected(answer) ? undefined : `is good and got ${status}`;
  return undefined;
}

/** DeleteObjects refuses key by key, in an answer with 200, as AWS does. */
function isRefusedInside({ body }: Answer): boolean {
  return /<DeleteResult/.test(body) && /<Code>AccessDenied/.test(body) && !/<Deleted>/.test(body);
}

/** What good requests of this kind get when what they speak of is otherwise just now. */
function isExpected({ body }: Answer): boolean {
  return /InvalidPart|InvalidArgument|EntityTooSmall|Malformed|InvalidRequest|NotFoundException|BucketAlreadyExists/.test(
    body,
  );
}

function remember({ method, body }: Wanted, whole: Set<string>): void {
  if (method !== "GET" && method !== "HEAD") whole.add(digestOf(body));
}

const digestOf = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");

const textOf = (raw: Buffer) => JSON.stringify(raw.subarray(0, 1500).toString("latin1"));

async function prepare(port: number, host: string, key: Key): Promise<Ground> {
  const bucket = "fuzz-ground";
  const wire = new Wire(port);
  const ask = async (
    method: string,
    path: string,
    query: [string, string][] = [],
    service = "s3",
  ) => {
    const wanted: Wanted = {
      method,
      path,
      query,
      headers: [["content-length", "0"]],
      body: Buffer.alloc(0),
      service,
    };
    const answer = await wire.ask(rawOf(signed(wanted, key, host).wanted), method);
    if (typeof answer === "string" || answer.status >= 300)
      throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.body;
  };
  await ask("PUT", `/${bucket}`);
  const started = await ask("POST", `/${bucket}/upload`, [["uploads", ""]]);
  const trust = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" } };
  const made = await ask(
    "GET",
    "/",
    [
      ["Action", "CreateRole"],
      ["Version", "2010-05-08"],
      ["RoleName", "fuzz"],
      [
        "AssumeRolePolicyDocument",
        JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ ...trust, Action: "sts:AssumeRole" }],
        }),
      ],
    ],
    "iam",
  );
  wire.close();
  return {
    bucket,
    host,
    uploadId: /<UploadId>([^<]*)</.exec(started)![1]!,
    role: /<Arn>([^<]*)</.exec(made)![1]!,
  };
}

/** Every object that is there holds what some request brought whole. */
async function lookAtObjects(
  port: number,
  host: string,
  key: Key,
  { bucket }: Ground,
  whole: ReadonlySet<string>,
  faults: string[],
): Promise<number> {
  const wire = new Wire(port);
  const get = async (path: string, query: [string, string][] = []) => {
    const wanted: Wanted = {
      method: "GET",
      path,
      query,
      headers: [],
      body: Buffer.alloc(0),
      service: "s3",
    };
    const answer = await wire.ask(rawOf(signed(wanted, key, host).wanted), "GET");
    if (typeof answer !== "string" && answer.status === 200) return answer.body;
    faults.push(`cannot read ${path} at the end: ${JSON.stringify(answer).slice(0, 300)}`);
    return undefined;
  };
  let looked = 0;
  for (let token = ""; ;) {
    const query: [string, string][] = [
      ["list-type", "2"],
      ["encoding-type", "url"],
      ...(token === "" ? [] : ([["continuation-token", token]] as [string, string][])),
    ];
    const page = (await get(`/${bucket}`, query)) ?? "";
    for (const [, listed] of page.matchAll(/<Key>([^<]*)<\/Key>/g)) {
      // As the list has encoded it, but for what a path has to have encoded as well.
      const path = listed!
        .replaceAll("+", "%20")
        .replace(/[!'()*]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
      const content = await get(`/${bucket}/${path.replaceAll("%2F", "/")}`);
      looked++;
      if (content !== undefined && !whole.has(digestOf(Buffer.from(content, "latin1"))))
        faults.push(
          `the object ${listed} of ${content.length} bytes is what no request brought whole`,
        );
    }
    token = decodeEntities(/<NextContinuationToken>([^<]*)</.exec(page)?.[1] ?? "");
    if (token === "" || faults.length >= faultsMax) break;
  }
  wire.close();
  return looked;
}

function decodeEntities(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
