import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { IncomingRequest, OutgoingAnswer } from "#/base/network.ts";
import type { MetadataOrder } from "#/model/hosting.ts";
import { Documents } from "./documents.ts";

interface Known {
  order: MetadataOrder;
  documents: Documents;
}

/**
 * What an instance learns of itself, version 2 only
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html): a PUT gives a token, reads show
 * it. A token says until when it counts and is good for one instance, and is kept nowhere; a later life of the agent knows
 * none of an earlier one, and who has one asks for another.
 */
export class MetadataService {
  #clock: Pick<Clock, "now">;
  #key: Uint8Array;
  #known = new Map<string, Known>();

  constructor({ clock, random }: Pick<Host, "clock" | "random">) {
    this.#clock = clock;
    this.#key = random.bytes(32);
  }

  /** What it answers from now on. */
  know(instance: string, order: MetadataOrder): void {
    if (this.#known.get(instance)?.order === order) return;
    this.#known.set(instance, { order, documents: new Documents(order) });
  }

  forget(instance: string): void {
    this.#known.delete(instance);
  }

  /** Answers an instance, which is told by where the request came in and never by what it says. */
  answer(instance: string | undefined, request: Omit<IncomingRequest, "body">): OutgoingAnswer {
    const known = instance === undefined ? undefined : this.#known.get(instance);
    if (!known?.order.isEnabled) return refusal(403);
    const { method, headers } = request;
    const [path = ""] = request.path.split("?");
    if (method === "PUT") return isTokenPath(path) ? this.#token(instance!, headers) : refusal(405);
    if (method !== "GET" && method !== "HEAD") return refusal(405);
    if (!this.#isGood(instance!, headers[tokenHeader])) return refusal(401);
    const found = known.documents.find(path);
    if (!found) return refusal(404);
    return {
      status: 200,
      headers: {
        "content-type": found.type,
        "content-length": String(found.content.length),
        "accept-ranges": "none",
        server,
      },
      ...(method === "GET" && { body: found.content }),
    };
  }

  #token(instance: string, headers: Record<string, string>): OutgoingAnswer {
    // It was handed on by a proxy: somebody outside may be asking.
    if (headers["x-forwarded-for"] !== undefined) return refusal(403);
    const asked = headers[secondsHeader] ?? "";
    const seconds = /^\d{1,5}$/.test(asked) ? Number(asked) : 0;
    if (seconds < 1 || seconds > limits.metadataTokenSecondsMax) return refusal(400);
    const body = Buffer.from(this.#tokenUntil(instance, this.#clock.now() + seconds * 1000));
    return {
      status: 200,
      headers: {
        "content-type": "text/plain",
        "content-length": String(body.length),
        [secondsHeader]: String(seconds),
        server,
      },
      body,
    };
  }

  #tokenUntil(instance: string, untilMs: number): string {
    const until = untilMs.toString(36).padStart(untilChars, "0");
    const proof = createHmac("sha256", this.#key).update(`${instance} ${until}`).digest();
    return `${Buffer.from(until).toString("base64url")}${proof.toString("base64url")}==`;
  }

  #isGood(instance: string, token: string | undefined): boolean {
    if (token === undefined) return false;
    const until = Buffer.from(token.slice(0, (untilChars / 3) * 4), "base64url").toString("latin1");
    const untilMs = Number.parseInt(until, 36);
    if (!(untilMs > this.#clock.now())) return false;
    const right = Buffer.from(this.#tokenUntil(instance, untilMs));
    const given = Buffer.from(token);
    return given.length === right.length && timingSafeEqual(given, right);
  }
}

const tokenHeader = "x-aws-ec2-metadata-token";
const secondsHeader = "x-aws-ec2-metadata-token-ttl-seconds";
const server = "EC2ws";
/** Of the time in a token, in base 36: as many bytes as base64 needs no padding for. */
const untilChars = 9;

const isTokenPath = (path: string) => /^\/+latest\/+api\/+token\/?$/.test(path);

const words = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
} as const;

/** As AWS words it. */
function refusal(status: keyof typeof words): OutgoingAnswer {
  const title = `${status} - ${words[status]}`;
  const body = Buffer.from(`<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
	"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>${title}</title>
 </head>
 <body>
  <h1>${title}</h1>
 </body>
</html>
`);
  return {
    status,
    headers: { "content-type": "text/html", "content-length": String(body.length), server },
    body,
  };
}
