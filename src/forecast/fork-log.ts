import type { Loaded, SpaceLog } from "#/space/log.ts";

/** The log of a fork: it begins with what it is given, and keeps nothing, as a fork is never read again. */
export class ForkLog implements SpaceLog {
  #loaded: Loaded;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  load(): Promise<Loaded> {
    return Promise.resolve(this.#loaded);
  }

  append(): Promise<void> {
    return Promise.resolve();
  }

  find(_kind: unknown, names: readonly string[]): Promise<undefined[]> {
    return Promise.resolve(names.map(() => undefined));
  }

  archived(): Promise<never[]> {
    return Promise.resolve([]);
  }

  read(): Promise<never[]> {
    return Promise.resolve([]);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
