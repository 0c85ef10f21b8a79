import { createHash } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Transaction } from "#/space/space.ts";
import type { Call } from "./call.ts";

const keyLengthMax = 200;
const dropAtOnceMax = 4;

/**
 * Runs `action` in one commit and waits until that is durable. With an Idempotency-Key, a second call
 * of the same caller changes nothing and gives the name that the first one made; with another body it
 * is a conflict. The name is kept in the same commit as the effect, so no crash comes between.
 */
export async function once(
  call: Call<unknown, unknown, unknown>,
  action: (tx: Transaction) => string,
): Promise<string> {
  const { parts, request } = call;
  const { space, clock } = parts;
  const key = request.headers["idempotency-key"];
  if (key === undefined) {
    const committed = space.commit(action);
    await committed.durable;
    return committed.value;
  }
  if (typeof key !== "string" || key === "" || key.length > keyLengthMax) {
    throw new CanopyError(
      "invalid",
      `Cannot use this Idempotency-Key as it must have 1 to ${keyLengthMax} characters`,
    );
  }
  const name = `${call.project}/${digest([call.caller.name, request.method, request.routeOptions.url, key])}`;
  const body = digest([request.url, call.body]);
  const now = clock.now();
  const old = forgettable(call, now);
  const committed = space.commit((tx) => {
    const known = tx.get("request", name);
    if (known && known.spec.at > now - limits.requestKeptMs) {
      if (known.spec.digest === body) return known.status.answer;
      throw new CanopyError(
        "conflict",
        "Cannot use this Idempotency-Key again as it was used with another request",
        {
          hint: "Make a new key for each thing that is asked for",
        },
      );
    }
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

/** A few of the oldest that need not be known any more: each new one takes them along. */
function forgettable({ parts, project }: Call<unknown, unknown, unknown>, now: number): string[] {
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
