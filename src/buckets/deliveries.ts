import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { NoticeRecord } from "#/model/notice.ts";
import type { AnyRecord } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";
import { noteDead } from "./dead-messages.ts";
import { placeOf, type Place, type Places } from "./places.ts";

interface Parts {
  space: Space;
  clock: Clock;
  log: Log;
  places: Places;
}

/**
 * Tells what is to be told. Each place has its messages in order, some at once but of one instance one by one, and waits alone when
 * it does not answer; how often a message failed is in its record. What a place no longer there was to be told is dropped, as S3 does.
 */
export function startDeliveries(parts: Parts): { stop(): void } {
  return new Deliveries(parts);
}

class Deliveries {
  #parts: Parts;
  #loop: Loop;
  #stopListening: () => void;
  #waiting = new Set<string>();
  /** Places that are being told, with their project. */
  #busy = new Map<string, string>();
  /** Whether places wait for others to end. */
  #isCrowded = false;
  #isStopped = false;

  constructor(parts: Parts) {
    const { space, clock, log } = parts;
    this.#parts = parts;
    for (const { spec } of space.all("notice")) this.#waiting.add(spec.to);
    this.#loop = startLoop("deliveries", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.noticesLookMs,
    });
    // Nothing is told before it is on disk.
    this.#stopListening = space.onDurable(({ changes }) => this.#see(changes));
    this.#loop.wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#loop.stop();
  }

  #see(changes: readonly { op: string; record: AnyRecord }[]): void {
    for (const { op, record } of changes) {
      if (record.kind !== "notice" || op !== "put" || record.revision > 1) continue;
      this.#waiting.add(record.spec.to);
      this.#loop.wake();
    }
  }

  #turn(): void {
    this.#isCrowded = false;
    for (const to of this.#waiting) {
      if (this.#busy.size >= limits.noticePlacesMax) {
        this.#isCrowded = true;
        return;
      }
      if (this.#busy.has(to)) continue;
      if (this.#parts.space.count("notice", to) === 0) {
        this.#waiting.delete(to);
        continue;
      }
      const due = this.#due(to);
      if (due.length === 0) continue;
      if (this.#isFull(due[0]!.project)) {
        this.#isCrowded = true;
        continue;
      }
      // Last in the order, so that all have their turn.
      this.#waiting.delete(to);
      this.#waiting.add(to);
      void this.#tell(to, due);
    }
  }

  /** Whether a project's places, which may all be slow, take as many at once as they may. */
  #isFull(project: string): boolean {
    let count = 0;
    for (const one of this.#busy.values()) if (one === project) count++;
    return count >= limits.noticePlacesOfProjectMax;
  }

  #due(to: string): NoticeRecord[] {
    const { space, clock, places } = this.#parts;
    const now = clock.now();
    const max = placeOf(places, to)?.atOnceMax ?? limits.noticesLookedMax;
    const due: NoticeRecord[] = [];
    /** Instances of which something is to be told first. */
    const begun = new Set<string>();
    let looked = 0;
    for (const notice of space.list("notice", to)) {
      if (due.length >= max || ++looked > limits.noticesLookedMax) break;
      const { instance } = notice.spec;
      if (instance !== undefined && begun.has(instance)) continue;
      if (instance !== undefined) begun.add(instance);
      if ((notice.status.notBefore ?? 0) <= now) due.push(notice);
    }
    return due;
  }

  async #tell(to: string, notices: readonly NoticeRecord[]): Promise<void> {
    this.#busy.set(to, notices[0]!.project);
    const { space, places, log } = this.#parts;
    try {
      await space.durable();
      const place = placeOf(places, to);
      const outcomes = await Promise.all(notices.map((notice) => tellOne(place, notice)));
      if (this.#isStopped) return;
      this.#record(outcomes);
    } catch (thrown) {
      log.error("what was told could not be noted, and will be told again", {
        error: messageOf(thrown),
      });
    } finally {
      this.#busy.delete(to);
    }
    if (!this.#isStopped && (this.#isCrowded || this.#due(to).length > 0)) this.#loop.wake();
  }

  /** What a crash makes of this not having been is told once more. */
  #record(outcomes: readonly Outcome[]): void {
    const { space, clock } = this.#parts;
    const now = clock.now();
    space.commit((tx) => {
      for (const { notice, fault } of outcomes) {
        const record = tx.get("notice", notice.name);
        if (!record) continue;
        const failures = (record.status.failures ?? 0) + 1;
        if (fault === undefined || fault === gone) tx.delete("notice", record.name);
        else if (failures < limits.noticeTriesMax) {
          const notBefore = now + waitMs(failures);
          tx.put<"notice">({ ...record, status: { failures, notBefore } });
        } else {
          tx.archive<"notice">({ ...record, status: { failures } });
          noteDead(tx, record, { at: now, fault });
        }
      }
    });
  }
}

interface Outcome {
  notice: NoticeRecord;
  fault?: string;
}

/** Nobody is there to be told. */
const gone = "gone";

async function tellOne(place: Place | undefined, notice: NoticeRecord): Promise<Outcome> {
  const { name, project, spec } = notice;
  if (!place?.isThere(spec.to, project)) return { notice, fault: gone };
  try {
    const id = name.slice(name.lastIndexOf("/") + 1);
    const sender = spec.instance === undefined ? "s3.amazonaws.com" : "events.amazonaws.com";
    await place.tell(spec.to, project, { id, at: spec.at, body: spec.body, sender });
    return { notice };
  } catch (thrown) {
    return { notice, fault: messageOf(thrown) };
  }
}

const waitMs = (failures: number) =>
  Math.min(limits.noticeRetryMsMax, limits.noticeRetryMsMin * 2 ** (failures - 1));
