import type { DatabaseSync, StatementSync } from "node:sqlite";
import { limits } from "#/base/limits.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";

/** Tasks of a step that were made one after the other: index `from` has `serial`, the next the next, `count` times. */
interface Extent {
  from: number;
  serial: number;
  count: number;
}

/**
 * Finds the serial of a task by its name. An index by name over millions of ended tasks would cost
 * more than all else that is written of them; but tasks are numbered in runs, as they are appended,
 * so a few rows per step say the same.
 */
export class Extents {
  #add: StatementSync;
  #grow: StatementSync;
  #find: StatementSync;
  #span: StatementSync;
  /** The newest extent of steps that grow. */
  #newest = new Map<string, Extent>();

  /** Makes its table in a new file. */
  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS extents (
        step TEXT, first INTEGER, serial INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (step, first)
      ) STRICT, WITHOUT ROWID`);
    this.#add = database.prepare("INSERT OR REPLACE INTO extents VALUES (?, ?, ?, ?)");
    this.#grow = database.prepare("UPDATE extents SET count = ? WHERE step = ? AND first = ?");
    this.#find = database.prepare(
      "SELECT first, serial, count FROM extents WHERE step = ? AND first <= ? ORDER BY first DESC LIMIT 1",
    );
    this.#span = database.prepare(
      "SELECT min(serial) AS low, max(serial + count - 1) AS high FROM extents WHERE step >= ? AND step < ?",
    );
  }

  /** Notes new tasks, within the transaction under way; runs in the order given are what it is quick with. */
  add(tasks: readonly { name: string; serial: number }[]): void {
    let step = "";
    let run: Extent | undefined;
    for (const { name, serial } of tasks) {
      const index = indexOfTask(name);
      if (
        run &&
        index === run.from + run.count &&
        serial === run.serial + run.count &&
        name.startsWith(step)
      ) {
        run.count++;
        continue;
      }
      if (run) this.#write(step.slice(0, -1), run);
      step = `${stepOfTask(name)}/`;
      run = { from: index, serial, count: 1 };
    }
    if (run) this.#write(step.slice(0, -1), run);
  }

  /** Forgets what it remembered of a transaction that was undone. */
  undo(): void {
    this.#newest.clear();
  }

  /** Undefined when there never was such a task. */
  serialOf(name: string): number | undefined {
    const index = indexOfTask(name);
    const row = this.#find.get(stepOfTask(name), index) as
      | { first: number; serial: number; count: number }
      | undefined;
    return row && index < row.first + row.count ? row.serial + index - row.first : undefined;
  }

  /** The lowest and the highest serial of tasks whose names begin with `prefix`: "job/" or "job/step/". */
  span(prefix: string): { low: number; high: number } | undefined {
    const steps =
      prefix.split("/").length === 3
        ? [prefix.slice(0, -1), `${prefix.slice(0, -1)}\0`]
        : [prefix, `${prefix}\u{10ffff}`];
    const row = this.#span.get(...steps) as { low: number | null; high: number };
    return row.low === null ? undefined : { low: row.low, high: row.high };
  }

  #write(step: string, run: Extent): void {
    const newest = this.#newest.get(step);
    if (
      newest &&
      run.from === newest.from + newest.count &&
      run.serial === newest.serial + newest.count
    ) {
      newest.count += run.count;
      this.#grow.run(newest.count, step, newest.from);
      return;
    }
    this.#add.run(step, run.from, run.serial, run.count);
    if (this.#newest.size >= limits.growingStepsMax) this.#newest.clear();
    this.#newest.set(step, run);
  }
}
