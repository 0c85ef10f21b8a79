/** What stands in a chain; in one at a time. */
export interface Link<T> {
  before: T | undefined;
  after: T | undefined;
}

/** A list whose members know their neighbours: adding, dropping and moving one costs the same in any length. */
export class Chain<T extends Link<T>> {
  first: T | undefined;
  #last: T | undefined;
  length = 0;

  push(member: T): void {
    member.before = this.#last;
    member.after = undefined;
    if (this.#last) this.#last.after = member;
    else this.first = member;
    this.#last = member;
    this.length++;
  }

  drop(member: T): void {
    const { before, after } = member;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.#last = before;
    member.before = undefined;
    member.after = undefined;
    this.length--;
  }

  /** A member may be dropped while it is visited. */
  *[Symbol.iterator](): Generator<T> {
    for (let member = this.first; member;) {
      const { after } = member;
      yield member;
      member = after;
    }
  }
}
