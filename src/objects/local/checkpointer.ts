import { extname } from "node:path";
import { startThread } from "#/base/node/threads.ts";
import type { Thread } from "#/base/threads.ts";

export interface ToCheckpointThread {
  file: string;
}

export interface FromCheckpointThread {
  error?: string;
}

const program = new URL(`./checkpoint-thread${extname(import.meta.url)}`, import.meta.url);

/**
 * Lets a thread move the index's write-ahead log into its file: some tens of milliseconds of writing and syncing. While
 * writes go on, what was committed meanwhile is left over, so that the log would grow for ever: that little is moved at
 * the next commit, here, and the log begins anew.
 */
export class Checkpointer {
  #file: string;
  #thread: Thread | undefined;
  #state: "resting" | "running" | "nearly done" = "resting";

  constructor(file: string) {
    this.#file = file;
  }

  /** After a commit. True when the caller should move the little that is left. */
  isDue(hasMany: boolean): boolean {
    if (this.#state === "nearly done") {
      this.#state = "resting";
      return true;
    }
    if (this.#state === "resting" && hasMany) {
      this.#state = "running";
      this.#thread ??= startThread(program, {
        said: (message) => {
          // What failed is tried again after a later commit.
          this.#state = (message as FromCheckpointThread).error ? "resting" : "nearly done";
        },
        failed: () => {
          this.#thread = undefined;
          this.#state = "resting";
        },
      });
      this.#thread.send({ file: this.#file } satisfies ToCheckpointThread);
    }
    return false;
  }

  close(): void {
    this.#thread?.end();
  }
}
