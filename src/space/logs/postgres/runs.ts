import { limits } from "#/base/limits.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";

/** Tasks of a step that were made one after the other: index `first` has `serial`, the next the next, `count` times. */
export interface Run {
  step: string;
  first: number;
  serial: number;
  count: number;
}

/** Turns new tasks into the runs that find them by name; see `Extents`, its like for SQLite. */
export class Runs {
  /** The newest run of steps that grow. */
  #newest = new Map<string, Run>();

  /** The runs to be written for new tasks; a run that began earlier is given again, longer. */
  of(tasks: readonly { name: string; serial: number }[]): Run[] {
    const runs: Run[] = [];
    let prefix = "";
    let run: Run | undefined;
    for (const { name, serial } of tasks) {
      const index = indexOfTask(name);
      if (run && follows(run, index, serial) && name.startsWith(prefix)) {
        run.count++;
        continue;
      }
      const step = stepOfTask(name);
      prefix = `${step}/`;
      const newest = this.#newest.get(step);
      run =
        newest && follows(newest, index, serial)
          ? { ...newest, count: newest.count + 1 }
          : { step, first: index, serial, count: 1 };
      if (this.#newest.size >= limits.growingStepsMax) this.#newest.clear();
      this.#newest.set(step, run);
      runs.push(run);
    }
    return runs;
  }

  /** Forgets what it remembered of a transaction that was undone. */
  undo(): void {
    this.#newest.clear();
  }
}

function follows(run: Run, index: number, serial: number): boolean {
  return index === run.first + run.count && serial === run.serial + run.count;
}
