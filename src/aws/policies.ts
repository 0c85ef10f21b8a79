import type { Verified } from "#/access/signatures/verify.ts";
import type { Decision } from "#/access/policies/authorize.ts";
import type { Ask } from "./call.ts";

/** What is true of a call whatever it asks: policies read it as global condition keys. */
export interface CallFacts {
  verified: Verified;
  sourceIp: string;
  userAgent: string | undefined;
  referer: string | undefined;
  region: string;
  nowMs: number;
}

/** Who may do what. */
export interface Policies {
  decide(ask: Ask, facts: CallFacts): Decision;
}
