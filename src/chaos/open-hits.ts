import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { HitRecord } from "#/model/game-day.ts";
import type { Change } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";
import { OpenHit } from "./open-hit.ts";
import type { Field } from "./situation.ts";

/** Follows every hit that has not healed, whichever game day it is of. */
export class OpenHits {
  #space: Space;
  #field: Field;
  #clock: Clock;
  #hits = new Map<string, OpenHit>();
  /** Struck tasks, and the hits that struck them. */
  #byTask = new Map<string, Set<OpenHit>>();

  constructor(space: Space, field: Field, clock: Clock) {
    this.#space = space;
    this.#field = field;
    this.#clock = clock;
    for (const record of space.all("hit")) if (record.status.phase === "open") this.add(record);
    for (const hit of this.#hits.values()) this.#takeUp(hit);
  }

  get count(): number {
    return this.#hits.size;
  }

  of(gameDay: string): OpenHit[] {
    return [...this.#hits.values()].filter(({ record }) => record.name.startsWith(`${gameDay}/`));
  }

  get(name: string): OpenHit | undefined {
    return this.#hits.get(name);
  }

  add(record: HitRecord): OpenHit {
    const hit = new OpenHit(record);
    this.#hits.set(record.name, hit);
    for (const { task } of record.spec.victims) {
      const hits = this.#byTask.get(task) ?? new Set();
      this.#byTask.set(task, hits.add(hit));
    }
    return hit;
  }

  applied(changes: readonly Change[]): void {
    if (this.#byTask.size === 0) return;
    const now = this.#clock.now();
    for (const { record } of changes) {
      if (record.kind !== "task") continue;
      for (const hit of this.#byTask.get(record.name) ?? [])
        hit.changed(record, now, this.#isLinked(hit.record.spec.machine));
    }
  }

  linked(machine: string): void {
    const now = this.#clock.now();
    for (const hit of this.#hits.values()) if (hit.record.spec.machine === machine) hit.linked(now);
  }

  unlinked(machine: string): void {
    const now = this.#clock.now();
    for (const hit of this.#hits.values()) {
      const { spec } = hit.record;
      if (spec.machine === machine && spec.target !== "task") hit.noticed("link", now);
    }
  }

  /** Looks at leases, and into the log for tasks that have left memory. */
  async look(): Promise<void> {
    for (const hit of this.#hits.values()) {
      const gone: string[] = [];
      for (const task of hit.left.keys()) {
        if (this.#space.get("task", task))
          hit.look(this.#field.leaseOf(task), task, this.#clock.now());
        else gone.push(task);
      }
      if (gone.length === 0) continue;
      const found = await this.#space.find("task", gone);
      gone.forEach((task, index) => hit.ended(task, found[index], this.#clock.now()));
    }
  }

  /** Those that have something to be written; see `written`. */
  due(): OpenHit[] {
    const now = this.#clock.now();
    return [...this.#hits.values()].filter((hit) => hit.settle(now) || hit.isDirty);
  }

  /** These are in the records as they are now: lets go of what has healed. */
  written(hits: readonly OpenHit[]): void {
    for (const hit of hits) {
      hit.isDirty = false;
      if (hit.status.phase !== "open") this.#drop(hit);
    }
  }

  #isLinked(name: string): boolean {
    return this.#field.machines().some(({ machine, connected }) => machine === name && connected);
  }

  #drop(hit: OpenHit): void {
    this.#hits.delete(hit.record.name);
    for (const { task } of hit.record.spec.victims) {
      const hits = this.#byTask.get(task);
      hits?.delete(hit);
      if (hits?.size === 0) this.#byTask.delete(task);
    }
  }

  /** This control plane has just started: what it missed is in the records, or comes with the machines. */
  #takeUp(hit: OpenHit): void {
    const now = this.#clock.now();
    const { target, at } = hit.record.spec;
    for (const { task } of hit.left.values()) {
      const record = this.#space.get("task", task);
      if (record) hit.changed(record, now, false);
    }
    // a link that is not there at a start has broken off, whatever did it
    if (target !== "task" && now - at <= limits.hitMissedMs + limits.leaseMs)
      hit.noticed("start", now);
  }
}
