import { decide } from "#/autonomic/decide.ts";
import { includesRole } from "#/access/roles.ts";
import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { keyDecisionsName, type Caller, type KeyStatus } from "#/model/access.ts";
import { briefDuration } from "#/model/units.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";
import { TokenBuckets } from "./token-buckets.ts";

interface PaceParts {
  clock: Clock;
  log: Log;
  space: Pick<Space, "get" | "commit">;
  standing: Pick<Standing, "isLeading">;
}

/**
 * Slows down keys that are right: one that floods the door with changes, with the code of its jobs, and one
 * whose every job fails, as its record says. What they ask for too early is refused with a time, and nothing of it
 * stays; clients of ours ask again then, where that is within their patience. Root is not slowed: who holds it has to
 * mend things.
 */
export class Pace {
  #parts: PaceParts;
  #calls: TokenBuckets;
  /** When a slowed key may begin its next job, on the monotonic clock. */
  #nextMs = new Map<string, number>();

  constructor({ clock, log, space, standing }: PaceParts) {
    this.#parts = { clock, log, space, standing };
    this.#calls = new TokenBuckets({
      clock,
      max: limits.callsMax,
      everyMs: limits.callMs,
      sourcesMax: limits.callersMax,
      saidMs: limits.callerSaidMs,
      onEmpty: (key) => this.#say(key),
    });
  }

  /** For each call that changes something. Throws "limited" where it comes too early. */
  keep(caller: Caller): void {
    const key = this.#keyOf(caller);
    if (key === undefined) return;
    const waitMs = this.#calls.take(key);
    if (waitMs <= 0) return;
    throw new CanopyError(
      "limited",
      `Cannot take more changes of this key for now: ${limits.callsMax} at once are too many, and then ${1000 / limits.callMs} a second`,
      {
        hint: `Give more tasks to fewer calls, or see: canopy why ${idOf(key)}`,
        retryAfterMs: waitMs,
      },
    );
  }

  /** Before much is done for a call that would begin a job. Throws "limited" where its key may not begin one yet. */
  requireTurn(caller: Caller): void {
    const { key, slowed } = this.#slowedOf(caller);
    if (!slowed) return;
    const waitMs = Math.ceil((this.#nextMs.get(key) ?? 0) - this.#parts.clock.monotonicMs());
    if (waitMs <= 0) return;
    throw new CanopyError(
      "limited",
      `Cannot begin another job of this key for now, as ${slowed.reason}: it may begin one every ${briefDuration(slowed.everyMs)}`,
      {
        hint: `See why they fail: canopy ps --all; and: canopy why ${idOf(key)}`,
        retryAfterMs: waitMs,
      },
    );
  }

  /** In the commit in which a job begins, when nothing else can refuse that: what begins none uses up no turn. Throws as above. */
  takeTurn(caller: Caller): void {
    this.requireTurn(caller);
    const { key, slowed } = this.#slowedOf(caller);
    if (slowed) this.#nextMs.set(key, this.#parts.clock.monotonicMs() + slowed.everyMs);
    else this.#nextMs.delete(key);
  }

  /** Whether changes of a key, by its record's name, come too fast just now. */
  isFlooding(key: string): boolean {
    return this.#calls.isStrained(key);
  }

  #slowedOf(caller: Caller): { key: string; slowed: KeyStatus["slowed"] } {
    const key = this.#keyOf(caller) ?? "";
    return { key, slowed: this.#parts.space.get("key", key)?.status.slowed };
  }

  /** The key that a call is of; undefined for root and for agents, which are not slowed. */
  #keyOf({ name, role, job, machine }: Caller): string | undefined {
    if (machine !== undefined || includesRole(role, "root")) return undefined;
    if (job === undefined) return name;
    const key = this.#parts.space.get("job", job)?.spec.submittedBy;
    return key === "root" ? undefined : key;
  }

  #say(key: string): void {
    const { log, space, standing, clock } = this.#parts;
    log.warn("a key floods the door with changes: it is told to come later", { key });
    const record = space.get("key", key);
    if (!standing.isLeading || !record) return;
    try {
      space.commit((tx) =>
        decide(
          tx,
          { project: record.project, name: keyDecisionsName(key) },
          {
            at: clock.now(),
            action: "slow",
            what: `takes no more than ${1000 / limits.callMs} changes a second of the key '${record.spec.title}'`,
            why: [
              `it asked for ${limits.callsMax} more than that, and others are to be answered, too`,
            ],
            flip: `with no more than ${1000 / limits.callMs} a second all would have been taken; canopy key remove ${idOf(key)} ends it`,
          },
        ),
      );
    } catch (thrown) {
      log.warn("that could not be written down", { error: messageOf(thrown) });
    }
  }
}

/** A key's name within its project. */
function idOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}
