import type { FastifyReply, FastifyRequest } from "fastify";
import { CanopyError } from "#/base/errors.ts";
import type { AnyRecord } from "#/model/record.ts";

/** The ETag of a record: its revision, which grows with each change. */
function tagOf({ revision }: AnyRecord): string {
  return `"${revision}"`;
}

/** Says with the answer which revision it tells of. */
export function tellRevision(reply: FastifyReply, record: AnyRecord): void {
  reply.header("etag", tagOf(record));
}

/**
 * Compare-and-swap over HTTP (RFC 9110, 13.1.1): with If-Match, the call goes on only when the record
 * still has one of the revisions named there; without a record it never does. To be asked inside the
 * commit that makes the change.
 * Throws CanopyError "conflict", and "invalid" for what is no list of ETags.
 */
export function requireRevision({ headers }: FastifyRequest, record: AnyRecord | undefined): void {
  const expected = headers["if-match"];
  if (expected === undefined || (record && expected.trim() === "*")) return;
  if (!record)
    throw new CanopyError(
      "conflict",
      "Cannot change what is not there: If-Match must be left out",
      {
        hint: "Read it again, then make it",
      },
    );
  const tags = expected.split(",").map((tag) => tag.trim());
  // A weak ETag ("W/…") is well formed and matches nothing, as there are none here.
  if (!tags.every((tag) => /^(W\/)?"[^"]*"$/.test(tag)))
    throw new CanopyError(
      "invalid",
      `Cannot take this If-Match as it must be the ETag of an answer, as in ${tagOf(record)}: it is ${expected}`,
    );
  if (tags.includes(tagOf(record))) return;
  throw new CanopyError(
    "conflict",
    `Cannot change the ${record.kind} '${record.name}' as it has changed since: If-Match must be ${tagOf(record)}, it is ${expected}`,
    { hint: "Read it again, then change it" },
  );
}
