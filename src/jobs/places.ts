import { limits } from "#/base/limits.ts";
import { heldBy, placesIn, type Capacity } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";

/**
 * How many tasks like a step's all machines together could have in their hands at once: those that run,
 * and those that are handed out ahead while they are short. More than there are, as labels are not
 * looked at, nor who else wants the machines. Whoever makes fewer tasks than that keeps machines idle.
 */
export class Places {
  #space: Pick<Space, "all">;
  /** For each sort of needs: so many places on so many machines. */
  #known = new Map<string, Map<number, number>>();

  constructor(space: Pick<Space, "all">) {
    this.#space = space;
  }

  /** Machines have come, gone, or are of another size. */
  forget(): void {
    this.#known.clear();
  }

  of({ spec, status }: StepRecord): number {
    const { attempts, wallMs } = status.usage;
    const aheadForEach = attempts === 0 ? 1 : (limits.prefetchMs * attempts) / Math.max(wallMs, 1);
    let sum = 0;
    for (const [places, machines] of this.#perMachine(heldBy(spec.template.needs))) {
      const ahead = Math.min(places * aheadForEach, limits.pullTasksMax);
      sum += machines * Math.min(Math.max(places, Math.ceil(ahead)), limits.heldTasksMax);
    }
    return sum;
  }

  #perMachine(held: Capacity): Map<number, number> {
    const key = `${held.milliCpus} ${held.memoryBytes}`;
    let found = this.#known.get(key);
    if (found) return found;
    this.#known.set(key, (found = new Map()));
    for (const { status } of this.#space.all("machine")) {
      const places = placesIn(status.capacity, held);
      found.set(places, (found.get(places) ?? 0) + 1);
    }
    return found;
  }
}
