import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { Sandbox, type SandboxKind, type SandboxMeans } from "./sandbox.ts";

interface Shelf {
  kind: SandboxKind;
  ready: Sandbox[];
  making: number;
  filling?: Timer;
  ending?: Timer;
}

/**
 * Sandboxes whose runtime is up and waits for code, so that a start does not wait for them. There are none before the first
 * environment of their kind was started, nor long after the last one.
 */
export class ReadySandboxes {
  #means: SandboxMeans;
  /** The most lately used last. */
  #shelves = new Map<string, Shelf>();
  #isClosed = false;

  constructor(means: SandboxMeans) {
    this.#means = means;
  }

  /** One that waits or, where there is none, is being started. */
  async take(kind: SandboxKind): Promise<Sandbox> {
    const ready = this.#shelves.get(nameOf(kind))?.ready.shift();
    return ready ?? Sandbox.start(this.#means, kind);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#shelves.values()].map((shelf) => this.#end(shelf)));
  }

  #shelf(kind: SandboxKind): Shelf {
    const name = nameOf(kind);
    const shelf = this.#shelves.get(name) ?? { kind, ready: [], making: 0 };
    this.#shelves.delete(name);
    this.#shelves.set(name, shelf);
    for (const [other, left] of this.#shelves) {
      if (this.#shelves.size <= limits.sandboxKindsReadyMax) break;
      this.#shelves.delete(other);
      void this.#end(left);
    }
    return shelf;
  }

  /** One of that kind has begun: others may be wanted before long. Not told earlier, so that no start waits for what is made ahead. */
  more(kind: SandboxKind): void {
    const { clock } = this.#means.parts;
    const shelf = this.#shelf(kind);
    shelf.filling?.cancel();
    shelf.ending?.cancel();
    shelf.filling = clock.after(limits.sandboxesReadyAfterMs, () => this.#fill(shelf), true);
    shelf.ending = clock.after(limits.sandboxesReadyMs, () => void this.#end(shelf), true);
  }

  #fill(shelf: Shelf): void {
    while (!this.#isClosed && shelf.ready.length + shelf.making < limits.sandboxesReady) {
      shelf.making++;
      void this.#make(shelf).finally(() => shelf.making--);
    }
  }

  async #make(shelf: Shelf): Promise<void> {
    try {
      const sandbox = await Sandbox.start(this.#means, shelf.kind);
      try {
        await sandbox.waits;
      } catch (thrown) {
        await sandbox.end();
        throw thrown;
      }
      const isWanted = this.#shelves.get(nameOf(shelf.kind)) === shelf;
      if (this.#isClosed || !isWanted) return await sandbox.end();
      shelf.ready.push(sandbox);
      void sandbox.ended.then(() => {
        const index = shelf.ready.indexOf(sandbox);
        if (index < 0) return; // it has an environment
        shelf.ready.splice(index, 1);
        return sandbox.end();
      });
    } catch (thrown) {
      this.#means.parts.log.warn("no function is prepared for", { error: messageOf(thrown) });
    }
  }

  async #end(shelf: Shelf): Promise<void> {
    shelf.filling?.cancel();
    shelf.ending?.cancel();
    await Promise.all(shelf.ready.splice(0).map((sandbox) => sandbox.end()));
  }
}

const nameOf = ({ interpreter, memoryBytes }: SandboxKind) => `${interpreter}/${memoryBytes}`;
