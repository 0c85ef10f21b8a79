import type { FastifyReply, FastifyRequest } from "fastify";
import type { z } from "zod";
import type { ErrorCode } from "#/base/errors.ts";
import type { Caller, Role } from "#/model/access.ts";
import type { DoorParts } from "./parts.ts";

/** One call as its file sees it: who asks, in which project, for what. */
export interface Call<Params, Query, Body> {
  parts: DoorParts;
  caller: Caller;
  /** The project that it is about: the caller's own, or the one that root chose. */
  project: string;
  params: Params;
  query: Query;
  body: Body;
  request: FastifyRequest;
  reply: FastifyReply;
}

/** What a call promises; its method and path stand in `routes.ts`. */
export interface Definition<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
> {
  summary: string;
  /** More for the reference, where one line does not do. */
  description?: string;
  tag: string;
  /** What a caller must at least be; "anyone" asks for no key. */
  role: Role | "anyone";
  /** Whether code inside a job may call it: "own" when the path names its own job, "project" when nothing of its job is touched. */
  fromJobs?: "own" | "project";
  /** Whether agents may. */
  fromMachines?: boolean;
  params?: Params;
  query?: Query;
  body?: Body;
  /** Media types of a body that is handed on as a stream, beside JSON when `body` is given too. */
  streams?: string[];
  /** The answer, and its status when not 200. Absent for 204. */
  answer?: z.ZodType;
  status?: 200 | 201 | 202 | 204;
  /** What the answer is when it is no single JSON value. */
  answerType?: { type: string; description: string };
  /** Set when records alone are the answer: then a control plane that follows gives it too, as new as the leader's. */
  isForAny?: boolean;
  /** Set when the answer tells nothing newer than the call's own commit, which `run` has waited for. */
  isSettled?: boolean;
  /** "told": the answer carries the record's revision as ETag. "expected": the call also takes it as If-Match. */
  revision?: "told" | "expected";
  /** Errors beside those of every call. */
  errors?: ErrorCode[];
  run(call: Call<z.output<Params>, z.output<Query>, z.output<Body>>): unknown;
}

/** A definition whose types have done their work. */
export type AnyDefinition = Definition<z.ZodType, z.ZodType, z.ZodType>;

/** Fixes the types of params, query and body by the schemas beside it. */
export function defineCall<
  Params extends z.ZodType = z.ZodType<Record<string, never>>,
  Query extends z.ZodType = z.ZodType<Record<string, never>>,
  Body extends z.ZodType = z.ZodType<undefined>,
>(definition: Definition<Params, Query, Body>): AnyDefinition {
  return definition as unknown as AnyDefinition;
}
