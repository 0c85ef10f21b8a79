import type { IncomingMessage, ServerResponse } from "node:http";
import type { Decision } from "#/access/policies/authorize.ts";
import type { Unknown } from "#/access/policies/evaluate.ts";
import type { Verified } from "#/access/signatures/verify.ts";
import type { Principal } from "#/model/principal.ts";
import type { AwsParts } from "./parts.ts";
import type { Target } from "./target.ts";

/** What a call wants to do to one thing, as policies see it. */
export interface Ask {
  /** "s3:PutObject". */
  action: string;
  /** The thing's ARN; "*" for what concerns none. */
  resource: string;
  /** The policy that the thing itself has, JSON. */
  resourcePolicy?: string | undefined;
  /** The account that the thing belongs to; the caller's own when absent. */
  ownerAccountId?: string | undefined;
  /** Of roles: their trust names no resource. */
  resourcePolicyKind?: "resource" | "trust";
  /** Of keys and roles: what their own policy does not leave to the account, no policy of it can give. */
  isResourcePolicyNeeded?: boolean;
  /** Condition keys of the service, beside the global ones: "s3:prefix". */
  conditions?: Record<string, string | readonly string[]> | undefined;
  /** Of a question before the document is read: what only that says. Who may with no document is refused; the whole is asked later. */
  unknown?: Unknown;
}

/** One call of an AWS door, as its file sees it. */
export interface AwsContext {
  readonly parts: AwsParts;
  /** Who asks. Anonymous where nothing is signed. */
  readonly caller: Principal;
  /** How it was signed, and what its body must be: of use to those who read the body piece by piece. */
  readonly verified: Verified;
  /** The operation's name, as the SDK's schema has it. */
  readonly operation: string;
  readonly requestId: string;
  /** That of the signature's scope. */
  readonly region: string;
  readonly sourceIp: string;
  readonly target: Target;
  /** The body of an operation that streams it: decoded from chunks, its signatures and trailers verified as it is read. */
  readonly body: AsyncIterable<Uint8Array>;
  readonly request: IncomingMessage;
  /** For headers that no schema knows, and for operations that answer themselves. */
  readonly response: ServerResponse;
  /** Of an open operation: who asks, once it is known. */
  admit(verified: Verified): void;
  /** To be called before a body is read past `body`: who waits to be asked for it is asked. */
  takeBody(): void;
  /** Throws what the protocol says to who may not. Operations ask by `asks`; this is for what they know only later. */
  authorize(ask: Ask): void;
  isAllowed(ask: Ask): boolean;
  /** The same with its reason: "none" is allowed by nothing, "deny" denied by something, so that no other grant counts. */
  decide(ask: Ask): Decision;
}

/** What an operation answers: what the SDK's client gives, without what it adds of its own. */
export type Answer<Output> = Omit<Output, "$metadata">;

/**
 * One operation: typed by what the SDK calls its input and output
 * (`import type { SendMessageCommandInput, SendMessageCommandOutput } from "@aws-sdk/client-sqs"`).
 */
export interface AwsOperation<Input, Output> {
  /**
   * What must be allowed before `run` is called; an empty list for what everyone may. Of S3 it is given what stands in the head
   * alone: who may not is told so before a body is read.
   */
  asks(input: Input, context: AwsContext): Ask | readonly Ask[] | Promise<Ask | readonly Ask[]>;
  run(input: Input, context: AwsContext): Promise<Answer<Output>> | Answer<Output>;
}

/**
 * An operation past the schemas, where they would cost too much or know nothing of it: it reads the request, asks by
 * `context.authorize`, and answers by `context.response`, to its end. What it throws before its head is sent is answered as that of any other.
 */
export interface DirectOperation {
  answersItself: true;
  /** Set when it has its own way to tell who asks (a form), or asks nobody (a preflight): `caller` is anonymous, `body` as it came. */
  isOpen?: true;
  run(context: AwsContext): Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- inputs and outputs have met their schema
export type AnyOperation = AwsOperation<any, any> | DirectOperation;

/** By the operation's name; what is not in it does not exist. */
export type Operations = Record<string, () => Promise<AnyOperation>>;
