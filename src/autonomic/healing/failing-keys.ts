import { limits } from "#/base/limits.ts";
import { keyDecisionsName, type KeyRecord } from "#/model/access.ts";
import type { DecisionSpec } from "#/model/decision.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { Slowed } from "#/model/step.ts";
import { briefDuration } from "#/model/units.ts";
import { decide } from "../decide.ts";
import type { HealingParts } from "./healing.ts";
import { healLevel } from "./level.ts";

/** How jobs of one key ended since a moment on the monotonic clock. */
interface Ended {
  fromMs: number;
  failed: number;
  good: number;
}

/**
 * Keys whose every job fails: somebody's script goes round and round. They begin jobs with a time between that doubles,
 * until one ends well; what they have begun runs on. That a key is slowed is in its record, and `api/pace.ts` keeps it.
 */
export class FailingKeys {
  #parts: Pick<HealingParts, "space" | "clock" | "log">;
  /** Jobs that run, by which one that ends is counted once. */
  #running = new Set<string>();
  #ended = new Map<string, Ended>();
  #touched = new Set<string>();
  #said = new Set<string>();
  #stopListening: () => void;

  constructor(parts: Pick<HealingParts, "space" | "clock" | "log">) {
    this.#parts = parts;
    for (const job of parts.space.all("job")) if (!hasJobEnded(job)) this.#running.add(job.name);
    this.#stopListening = parts.space.onDurable(({ changes }) => {
      for (const { record } of changes) if (record.kind === "job") this.#see(record);
    });
  }

  stop(): void {
    this.#stopListening();
  }

  #see(job: JobRecord): void {
    if (!hasJobEnded(job)) return void this.#running.add(job.name);
    const { phase } = job.status;
    if (!this.#running.delete(job.name) || phase === "cancelled") return;
    const key = job.spec.submittedBy;
    const ended = this.#ended.get(key) ?? this.#anew(key);
    if (phase === "failed") ended.failed++;
    else ended.good++;
    this.#touched.add(key);
  }

  look(): void {
    for (const key of this.#touched) {
      const record = this.#parts.space.get("key", key);
      const ended = this.#ended.get(key);
      if (record && ended) this.#lookAt(record, ended);
      else this.#forget(key); // root, or a key that was removed
    }
    this.#touched.clear();
    const oldMs = this.#parts.clock.monotonicMs() - limits.failedJobsMs;
    for (const [key, { fromMs }] of this.#ended) {
      if (fromMs > oldMs || this.#parts.space.get("key", key)?.status.slowed) continue;
      this.#forget(key);
    }
  }

  #lookAt(record: KeyRecord, { failed, good, fromMs }: Ended): void {
    const { slowed } = record.status;
    const forMs = this.#parts.clock.monotonicMs() - fromMs;
    if (slowed && good > 0) return this.#lift(record, slowed);
    if (good > 0) return this.#forget(record.name);
    const isDue = slowed && forMs >= 2 * slowed.everyMs && slowed.everyMs < limits.slowedMsMax;
    if (isDue) this.#slow(record, Math.min(2 * slowed.everyMs, limits.slowedMsMax), failed, forMs);
    else if (!slowed && failed >= limits.failedJobsMin)
      this.#slow(record, limits.slowedMsMin, failed, forMs);
  }

  #slow(record: KeyRecord, everyMs: number, failed: number, forMs: number): void {
    const at = this.#parts.clock.now();
    const reason = `its last ${failed} jobs failed, within ${briefDuration(forMs)}, and none ended well`;
    this.#change(
      record,
      { since: record.status.slowed?.since ?? at, everyMs, reason },
      {
        at,
        action: "slow",
        what: `slowed the key '${record.spec.title}': it may begin a job every ${briefDuration(everyMs)}`,
        why: [reason],
        flip: "with one job that ends well it would not be slowed",
      },
    );
  }

  #lift(record: KeyRecord, { reason }: Slowed): void {
    this.#change(record, undefined, {
      at: this.#parts.clock.now(),
      action: "readmit",
      what: `lets the key '${record.spec.title}' begin jobs at full speed again`,
      why: [`one of its jobs ended well; it was slowed, as ${reason}`],
      flip: "with one more that failed it would still be slowed",
    });
  }

  #change({ name, project }: KeyRecord, slowed: Slowed | undefined, decision: DecisionSpec): void {
    const { space, log } = this.#parts;
    const level = healLevel(space, project);
    if (level === "manual" && slowed) return;
    const about = { project, name: keyDecisionsName(name) };
    if (level === "act" || !slowed) {
      space.commit((tx) => {
        const key = tx.get("key", name);
        if (!key) return;
        tx.put({ ...key, status: slowed ? { slowed } : {} });
        decide(tx, about, decision);
      });
      log.warn(`healing: Canopy ${decision.what}`, { key: name });
      this.#ended.delete(name);
      this.#said.delete(name);
      this.#anew(name);
      return;
    }
    if (this.#said.has(name)) return;
    this.#said.add(name);
    const what =
      level === "observe"
        ? "sees that each job of a key fails"
        : `did not, but would have: ${decision.what}`;
    const flip = "with autonomy.heal: act in the policy that would have been done";
    space.commit((tx) => decide(tx, about, { ...decision, action: "hold", what, flip }));
  }

  #anew(key: string): Ended {
    const ended = { fromMs: this.#parts.clock.monotonicMs(), failed: 0, good: 0 };
    this.#ended.set(key, ended);
    return ended;
  }

  #forget(key: string): void {
    this.#ended.delete(key);
    this.#said.delete(key);
  }
}
