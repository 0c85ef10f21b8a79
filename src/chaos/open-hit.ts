import { limits } from "#/base/limits.ts";
import type { HitRecord, HitStatus, Noticer, Victim } from "#/model/game-day.ts";
import { hasTaskEnded, type TaskRecord } from "#/model/task.ts";
import type { LeaseSeen } from "./situation.ts";

/**
 * A hit that has not healed, as it is followed: what notices it, what becomes of the tasks that it
 * struck, and when all is as before. Told of each change as it happens, so that its times are exact;
 * what is only in leases is looked at every now and then, and leases know when they began.
 */
export class OpenHit {
  readonly record: HitRecord;
  /** Struck, and neither under way again nor ended. */
  readonly left = new Map<string, Victim>();
  /** It has changed since it was last written. */
  isDirty = false;
  #status: { -readonly [Key in keyof HitStatus]: HitStatus[Key] };
  #againAt = 0;

  constructor(record: HitRecord) {
    this.record = record;
    this.#status = { ...record.status };
    for (const victim of record.spec.victims) this.left.set(victim.task, victim);
  }

  get status(): HitStatus {
    return { ...this.#status };
  }

  get #hasMachine(): boolean {
    return this.record.spec.target !== "task";
  }

  noticed(by: Noticer, at: number): void {
    if (this.#status.noticedAt !== undefined) return;
    this.#set({ noticedBy: by, noticedAt: at });
  }

  /** The agent says that the task was not under way there any more. */
  missed(): void {
    if (this.#status.phase === "open" && this.#status.noticedAt === undefined)
      this.#set({ phase: "missed" });
  }

  /** The machine has a link again. */
  linked(at: number): void {
    if (!this.#hasMachine || this.#status.noticedAt === undefined) return;
    if (this.#status.backAt === undefined) this.#set({ backAt: at });
  }

  /** A task that it struck is as this record says. `isLinked` tells whether its machine has a link. */
  changed(task: TaskRecord, at: number, isLinked: boolean): void {
    const victim = this.left.get(task.name);
    if (!victim) return;
    const { phase, fence = 0, attempts, usage } = task.status;
    const isLost = phase === "failed" && attempts?.at(-1)?.error.reason === "machine-lost";
    if (fence === victim.fence || isLost) {
      // one that its driver reported rests; one that went with its machine is ready at once
      const isReported = !this.#hasMachine && phase === "waiting";
      this.#release(isReported ? "driver" : isLinked ? "agent" : "lease", at);
      this.#status.attemptsLost++;
      this.#status.wastedCpuMs += Math.max(0, at - victim.since) * (victim.milliCpus / 1000);
    }
    if (isLost) this.#status.lost = [...this.#status.lost, task.name];
    // a later attempt was under way already, if only for a moment
    if (fence > victim.fence) this.#healed(task.name, at);
    else if (hasTaskEnded(task)) {
      const { noticedAt = at } = this.#status;
      this.#healed(task.name, Math.max(noticedAt, Math.min(at, usage?.startedAt ?? at)));
    }
    this.isDirty = true;
  }

  /** Looks at what no record tells: under which lease the task is now. */
  look(lease: LeaseSeen | undefined, task: string, at: number): void {
    const victim = this.left.get(task);
    if (!victim || !lease) return;
    if (lease.fence > victim.fence) {
      // one that had not begun goes to another machine without a word
      this.#release(
        this.#status.backAt === undefined ? "lease" : "agent",
        Math.min(at, lease.since),
      );
      this.#healed(task, lease.since);
    } else if (lease.machine === this.record.spec.machine && this.#status.backAt !== undefined) {
      this.#healed(task, this.#status.backAt); // the machine came back in time, and still had it
    }
  }

  /** The task has gone from memory: how it ended is in the log. */
  ended(task: string, record: TaskRecord | undefined, at: number): void {
    if (record) this.changed(record, at, true);
    this.#healed(task, at);
  }

  /** Whether nothing is left to heal; settles its phase. */
  settle(now: number): boolean {
    const { phase, noticedAt, backAt } = this.#status;
    if (phase !== "open") return true;
    const { at } = this.record.spec;
    if (noticedAt === undefined) {
      if (!this.#hasMachine && this.left.size === 0) this.#set({ phase: "missed" });
      else if (now - at > limits.hitMissedMs) this.#set({ phase: "missed" });
      return this.#status.phase !== "open";
    }
    if (this.left.size > 0 || (this.#hasMachine && backAt === undefined)) return false;
    const healedAt = Math.max(noticedAt, this.#againAt, backAt ?? 0);
    this.#set({ phase: "healed", healedAt });
    return true;
  }

  giveUp(): void {
    this.#set({ phase: this.#status.noticedAt === undefined ? "missed" : "given-up" });
  }

  #release(by: Noticer, at: number): void {
    this.noticed(by, at);
    if (this.#status.releasedAt === undefined) this.#set({ releasedAt: at, releasedBy: by });
  }

  #healed(task: string, at: number): void {
    if (!this.left.delete(task)) return;
    this.#againAt = Math.max(this.#againAt, at);
    this.isDirty = true;
  }

  #set(more: Partial<HitStatus>): void {
    Object.assign(this.#status, more);
    this.isDirty = true;
  }
}
