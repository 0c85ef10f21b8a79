import type { Capacity, Needs } from "#/model/needs.ts";

/** Room for one thing that runs. */
export interface Seat {
  /** Nothing happens the second time. */
  release(): void;
}

/** A place in the line. */
export interface Ticket {
  /** Leaves the line; nothing happens when it has been seated. */
  withdraw(): void;
}

interface Waiter {
  ticket: Ticket;
  milliCpus: number;
  memoryBytes: number;
  enter: (seat: Seat) => void;
}

/**
 * What of this machine's capacity is in use. The scheduler hands out no more than fits, but also
 * short tasks ahead of time, and those wait here for their turn: first come, first served, so that
 * a large need is not passed by small ones for ever. What needs no CPU and no memory never waits.
 */
export class Admission {
  #capacity: Capacity;
  #milliCpus = 0;
  #memoryBytes = 0;
  #waiting: Waiter[] = [];

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  /** True when someone else than `own` waits: who can give back its seat soon, should. */
  isContended(own?: Ticket): boolean {
    return this.#waiting.some((waiter) => waiter.ticket !== own);
  }

  /** Calls `enter` once there is room, at once when there is. Needs beyond the machine run alone. */
  ask(needs: Pick<Needs, "milliCpus" | "memoryBytes">, enter: (seat: Seat) => void): Ticket {
    const ticket = { withdraw: () => this.#withdraw(ticket) };
    const waiter: Waiter = {
      ticket,
      milliCpus: Math.min(needs.milliCpus, this.#capacity.milliCpus),
      memoryBytes: Math.min(needs.memoryBytes, this.#capacity.memoryBytes),
      enter,
    };
    const isFree = waiter.milliCpus === 0 && waiter.memoryBytes === 0;
    if (isFree || (this.#waiting.length === 0 && this.#fits(waiter))) this.#seat(waiter);
    else this.#waiting.push(waiter);
    return ticket;
  }

  #withdraw(ticket: Ticket): void {
    const place = this.#waiting.findIndex((waiter) => waiter.ticket === ticket);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    this.#admit();
  }

  #fits(waiter: Waiter): boolean {
    return (
      this.#milliCpus + waiter.milliCpus <= this.#capacity.milliCpus &&
      this.#memoryBytes + waiter.memoryBytes <= this.#capacity.memoryBytes
    );
  }

  #seat(waiter: Waiter): void {
    const { milliCpus, memoryBytes } = waiter;
    this.#milliCpus += milliCpus;
    this.#memoryBytes += memoryBytes;
    let isHeld = true;
    waiter.enter({
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#milliCpus -= milliCpus;
        this.#memoryBytes -= memoryBytes;
        this.#admit();
      },
    });
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!))
      this.#seat(this.#waiting.shift()!);
  }
}
