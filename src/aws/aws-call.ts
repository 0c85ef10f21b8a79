import type { Decision } from "#/access/policies/authorize.ts";
import { bodyReader, verifiedPieces } from "#/access/signatures/body.ts";
import { anonymous, type Verified } from "#/access/signatures/verify.ts";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import type { Ask, AwsContext } from "./call.ts";
import type { CallFacts } from "./policies.ts";
import type { AwsParts } from "./parts.ts";
import type { Service } from "./service.ts";
import type { Target } from "./target.ts";

const nobody: Verified = {
  principal: anonymous,
  way: "anonymous",
  service: "",
  region: "",
  content: { kind: "unsigned" },
};

/** One call from its head to its answer. What is not known yet is empty. */
export class AwsCall implements AwsContext {
  readonly parts: AwsParts;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: Target;
  readonly service: Service;
  readonly requestId: string;
  operation = "";
  /** What it asked for first: for the trail. */
  resource: string | undefined;
  verified = nobody;
  #body: AsyncIterable<Uint8Array> | undefined;
  #facts: CallFacts | undefined;
  #sourceIp: string | undefined;

  constructor(
    parts: AwsParts,
    request: IncomingMessage,
    response: ServerResponse,
    known: { target: Target; service: Service; requestId: string },
  ) {
    this.parts = parts;
    this.request = request;
    this.response = response;
    this.target = known.target;
    this.service = known.service;
    this.requestId = known.requestId;
  }

  get caller(): Principal {
    return this.verified.principal;
  }

  get region(): string {
    return this.verified.region || this.parts.region;
  }

  admit(verified: Verified): void {
    this.verified = verified;
    this.#facts = undefined;
  }

  takeBody(): void {
    if (/^100-continue$/i.test(this.request.headers.expect ?? "")) this.response.writeContinue();
  }

  get body(): AsyncIterable<Uint8Array> {
    this.#body ??=
      this.verified.content.kind === "unsigned"
        ? this.request
        : verifiedPieces(this.request, bodyReader(this.verified.content));
    return this.#body;
  }

  get sourceIp(): string {
    return (this.#sourceIp ??= sourceIpOf(this.parts, this.request));
  }

  isAllowed(ask: Ask): boolean {
    return this.decide(ask).effect === "allow";
  }

  decide(ask: Ask): Decision {
    this.resource ??= ask.resource;
    const { headers } = this.request;
    this.#facts ??= {
      verified: this.verified,
      sourceIp: this.sourceIp,
      userAgent: headers["user-agent"],
      referer: headers.referer,
      region: this.region,
      nowMs: this.parts.clock.now(),
    };
    return this.parts.policies.decide(ask, this.#facts);
  }

  authorize(ask: Ask): void {
    const { effect, because } = this.decide(ask);
    if (effect === "allow") return;
    if (this.caller.kind === "anonymous") throw new AwsError("AccessDenied", 403, "Access Denied");
    const on = ask.resource === "*" ? "" : ` on resource: ${ask.resource}`;
    throw new AwsError(
      "AccessDenied",
      403,
      `User: ${this.caller.arn} is not authorized to perform: ${ask.action}${on} ${because}`,
    );
  }
}

/** Where a request came from: to this control plane, or to the one that handed it on. */
export function sourceIpOf(
  { askedFrom }: Pick<AwsParts, "askedFrom">,
  request: IncomingMessage,
): string {
  // There is none any more when the client went away.
  const socket = request.socket as IncomingMessage["socket"] | null;
  const address = askedFrom?.(request) ?? socket?.remoteAddress ?? "";
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
