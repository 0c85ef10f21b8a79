import { join } from "node:path";
import type { Files } from "#/base/files.ts";

/**
 * The memory of an instance that hibernates, a file in its folder. It goes with what its disks held when it was kept: given to a
 * guest after anything else has run on them, it would ruin them. So the file must be gone, for good, before anything runs; and
 * where a guest was found to run after all, it counts for nothing.
 */
export class KeptMemory {
  readonly path: string;
  #files: Files;
  #doubtful: string;

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.path = join(folder, "memory.zst");
    this.#doubtful = join(folder, "memory.doubtful");
  }

  async isThere(): Promise<boolean> {
    return (await this.#files.stat(this.path)) !== undefined;
  }

  /** While an agent that has begun looks whether its instance runs, and lets it run on. */
  async whileLooking<Found>(look: () => Promise<Found | undefined>): Promise<Found | undefined> {
    await this.#files.remove(this.#doubtful); // of an agent that has died while it looked
    const isThere = await this.isThere();
    if (isThere) await this.#files.rename(this.path, this.#doubtful);
    const found = await look();
    if (isThere && found === undefined) await this.#files.rename(this.#doubtful, this.path);
    else if (isThere) await this.#files.remove(this.#doubtful);
    return found;
  }

  /** It is gone when this resolves, and does not come back when the power fails. */
  async forget(): Promise<void> {
    if (!(await this.isThere())) return;
    await this.#files.rename(this.path, this.#doubtful);
    await this.#files.remove(this.#doubtful);
  }
}
