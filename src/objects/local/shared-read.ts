import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Clock } from "#/base/clock.ts";

/**
 * A transaction that all reads of one turn of the event loop share: each alone takes a lock and gives it back, two calls of the
 * kernel that take as long as the read.
 */
export class SharedRead {
  #database: DatabaseSync;
  #clock: Pick<Clock, "soon">;
  #begin: StatementSync;
  #end: StatementSync;
  #isOpen = false;

  constructor(database: DatabaseSync, clock: Pick<Clock, "soon">) {
    this.#database = database;
    this.#clock = clock;
    this.#begin = database.prepare("BEGIN");
    this.#end = database.prepare("COMMIT");
  }

  begin(): void {
    if (this.#isOpen) return;
    this.#begin.run();
    this.#isOpen = true;
    this.#clock.soon(() => this.end());
  }

  /** Before a transaction of another kind begins, and when the turn is over. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (this.#database.isOpen) this.#end.run();
  }
}
