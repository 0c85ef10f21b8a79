import { createHash } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Transaction } from "#/space/space.ts";
import type { Call } from "./call.ts";

type AnyCall = Call<unknown, unknown, unknown>;

const keyLengthMax = 200;
const dropAtOnceMax = 4;

/**
 * Runs `action` in one commit and waits until that is durable. With an Idempotency-Key, a second call
 * of the same caller changes nothing and gives the name that the first one made; with another body it
 * is a conflict. The name is kept in the same commit as the effect, so no crash comes between.
 */
export async function once(call: AnyCall, action: (tx: Transaction) => string): Promise<string> {
  const { space, clock } = call.parts;
  const named = namedBy(call);
  if (!named) {
    const committed = space.commit(action);
    await committed.durable;
    return committed.value;
  }
  const { name, body } = named;
  const now = clock.now();
  const old = forgettable(call, now);
  const committed = space.commit((tx) => {
    const known = knownAnswer(tx, named, now);
    if (known !== undefined) return known;
    const answer = action(tx);
    for (const stale of old) if (stale !== name) tx.delete("request", stale);
    tx.put<"request">({
      kind: "request",
      project: call.project,
      name,
      spec: { at: now, digest: body },
      status: { answer },
    });
    return answer;
  });
  await committed.durable;
  return committed.value;
}

/**
 * What an earlier call with the same Idempotency-Key was answered, for calls that have more to do than one
 * commit; undefined when there was none. May not be durable yet. Throws "conflict" where it had another body.
 */
export function answerBefore(call: AnyCall): string | undefined {
  const { space, clock } = call.parts;
  const named = namedBy(call);
  return named && knownAnswer(space, named, clock.now());
}

/** What a call's Idempotency-Key is to those who keep it themselves; the same key of another caller is another token. */
export function tokenOf({
  caller,
  request,
}: Pick<AnyCall, "caller" | "request">): string | undefined {
  const key = request.headers["idempotency-key"];
  if (typeof key !== "string" || key === "") return undefined;
  return digest([caller.name, key]);
}

interface Named {
  name: string;
  /** Digest of what is asked for. */
  body: string;
}

/** The record of a call with an Idempotency-Key. */
function namedBy({ request, project, caller, body }: AnyCall): Named | undefined {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key !== "string" || key === "" || key.length > keyLengthMax) {
    throw new CanopyError(
      "invalid",
      `Cannot use this Idempotency-Key as it must have 1 to ${keyLengthMax} characters`,
    );
  }
  const name = `${project}/${digest([caller.name, request.method, request.routeOptions.url, key])}`;
  return { name, body: digest([request.url, body]) };
}

function knownAnswer(
  space: Pick<Transaction, "get">,
  { name, body }: Named,
  now: number,
): string | undefined {
  const known = space.get("request", name);
  if (!known || known.spec.at <= now - limits.requestKeptMs) return undefined;
  if (known.spec.digest === body) return known.status.answer;
  throw new CanopyError(
    "conflict",
    "Cannot use this Idempotency-Key again as it was used with another request",
    { hint: "Make a new key for each thing that is asked for" },
  );
}

/** A few of the oldest that need not be known any more: each new one takes them along. */
function forgettable({ parts, project }: AnyCall, now: number): string[] {
  const names: string[] = [];
  let excess = parts.space.count("request", project) - limits.requestsKeptMax;
  for (const { name, spec } of parts.space.list("request", project)) {
    if (names.length === dropAtOnceMax || (excess-- <= 0 && spec.at > now - limits.requestKeptMs))
      break;
    names.push(name);
  }
  return names;
}

function digest(parts: unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
