import { limits } from "#/base/limits.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";

/** Tasks of a step that were made one after the other: index `first` has `serial`, the next the next, `count` times. */
export interface Extent {
  step: string;
  first: number;
  serial: number;
  count: number;
}

/**
 * What a task is found by, when its name is known. An index by name over millions of ended tasks would
 * cost more than all else that is written of them; but tasks are numbered as they are appended, so a few
 * extents per step say the same.
 */
export class Extents {
  /** The newest extent of steps that grow. */
  #newest = new Map<string, Extent>();

  /** The extents to be written for new tasks; one that began earlier is given again, longer. Quick with tasks in order. */
  of(tasks: readonly { name: string; serial: number }[]): Extent[] {
    const extents: Extent[] = [];
    let prefix = "";
    let extent: Extent | undefined;
    for (const { name, serial } of tasks) {
      const index = indexOfTask(name);
      if (extent && follows(extent, index, serial) && name.startsWith(prefix)) {
        extent.count++;
        continue;
      }
      const step = stepOfTask(name);
      prefix = `${step}/`;
      const newest = this.#newest.get(step);
      extent =
        newest && follows(newest, index, serial)
          ? { ...newest, count: newest.count + 1 }
          : { step, first: index, serial, count: 1 };
      if (this.#newest.size >= limits.growingStepsMax) this.#newest.clear();
      this.#newest.set(step, extent);
      extents.push(extent);
    }
    return extents;
  }

  /** Forgets what it remembered of a transaction that was undone. */
  undo(): void {
    this.#newest.clear();
  }
}

function follows(extent: Extent, index: number, serial: number): boolean {
  return index === extent.first + extent.count && serial === extent.serial + extent.count;
}
