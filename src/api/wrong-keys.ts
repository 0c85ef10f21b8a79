import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { defaultProject } from "#/access/access.ts";
import { decide } from "#/autonomic/decide.ts";
import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";
import { TokenBuckets } from "./token-buckets.ts";

type Asking = Pick<IncomingMessage, "headers" | "socket">;

interface WrongKeysParts {
  clock: Clock;
  log: Log;
  space: Pick<Space, "commit">;
  standing: Standing;
}

/**
 * Slows down who shows wrong keys: a token bucket for each address, and one for each wrong key, wherever
 * it comes from. Who has used one up is told to come later, and it is written down. A key that is right is
 * always answered, from the same address too: others may be behind it.
 */
export class WrongKeys {
  #parts: WrongKeysParts;
  /** By address, and by the digest of a key. */
  #buckets: TokenBuckets;

  constructor({ clock, log, space, standing }: WrongKeysParts) {
    this.#parts = { clock, log, space, standing };
    this.#buckets = new TokenBuckets({
      clock,
      max: limits.wrongKeysMax,
      everyMs: limits.wrongKeyMs,
      sourcesMax: limits.wrongKeySourcesMax,
      saidMs: limits.wrongKeySaidMs,
      onEmpty: (name) => this.#say(name),
    });
  }

  /** Gives who calls. Throws what `authenticate` does, and "limited" when that was "unauthenticated" too often. */
  async guard<T>(request: Asking, authenticate: () => T | Promise<T>): Promise<T> {
    try {
      return await authenticate();
    } catch (thrown) {
      const { authorization } = request.headers;
      if (authorization === undefined) throw thrown;
      throw this.judge(request, authorization, thrown);
    }
  }

  /** What is to be thrown in place of what was, for somebody who has shown `secret`. */
  judge(request: Asking, secret: string, thrown: unknown): unknown {
    if (!(thrown instanceof CanopyError) || thrown.code !== "unauthenticated") return thrown;
    const address = networkOf(request.socket.remoteAddress);
    const digest = createHash("sha256").update(secret).digest("hex").slice(0, 16);
    const waitMs = Math.max(
      this.#buckets.take(`address ${address}`),
      this.#buckets.take(`key ${digest}`),
    );
    if (waitMs <= 0) return thrown;
    const seconds = Math.ceil(waitMs / 1000);
    return new CanopyError(
      "limited",
      `Cannot look at more wrong keys for now: ${limits.wrongKeysMax} at once are too many, and one more is looked at each ${limits.wrongKeyMs / 1000} s`,
      {
        hint: `Wait ${seconds} s, and send the right key: canopy context shows which one is used`,
        retryAfterMs: waitMs,
      },
    );
  }

  #say(name: string): void {
    const { log, space, standing, clock } = this.#parts;
    log.warn("wrong keys again and again: who shows them is told to come later", { from: name });
    if (!standing.isLeading) return;
    try {
      space.commit((tx) =>
        decide(
          tx,
          { project: defaultProject, name: `${defaultProject}/door` },
          {
            at: clock.now(),
            action: "slow",
            what: `answers wrong keys of the ${name} only every ${limits.wrongKeyMs / 1000} s`,
            why: [`it showed more than ${limits.wrongKeysMax} of them at once`],
            flip: "a key that is right is answered at once",
            subject: name,
          },
        ),
      );
    } catch (thrown) {
      log.warn("that could not be written down", { error: messageOf(thrown) });
    }
  }
}

/** An address; of the sixth version its network, of which one host may have all addresses. */
function networkOf(address = "unknown"): string {
  const plain = address.replace(/^::ffff:/, "");
  if (!plain.includes(":")) return plain;
  const [head = ""] = plain.split("::");
  return `${head.split(":").slice(0, 4).join(":")}::/64`;
}
