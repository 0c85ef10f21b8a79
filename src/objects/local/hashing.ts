import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { startThread } from "#/base/node/threads.ts";
import { limits } from "#/base/limits.ts";
import type { Thread } from "#/base/threads.ts";
import type { ChecksumAlgorithm } from "../object-version.ts";

export type HashAlgorithm = ChecksumAlgorithm | "MD5";

export type ToHashThread =
  | { task: number; algorithm: HashAlgorithm }
  | { task: number; block: SharedArrayBuffer; length: number }
  | { task: number; isOver: true }
  | { task: number; isDropped: true };

/** Without a value: a block was taken in. */
export interface FromHashThread {
  task: number;
  value?: string;
}

/** One hash that is made on a thread, of blocks that both sides see. */
export interface Hashing {
  /** Resolves when the block was taken in, and may be filled again. */
  add(block: SharedArrayBuffer, length: number): Promise<void>;
  /** MD5 in hexadecimal, checksums in base64. */
  end(): Promise<string>;
  drop(): void;
}

interface Waiting {
  resolve(value: string): void;
  reject(thrown: unknown): void;
}

interface HashThread {
  thread: Thread;
  tasks: Map<number, Waiting[]>;
}

const program = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url);

/** Threads that hash, started when first needed. */
export class HashThreads {
  #threads: (HashThread | undefined)[] = Array.from({
    length: Math.min(limits.hashThreadsMax, availableParallelism()),
  });
  #lastTask = 0;

  start(algorithm: HashAlgorithm): Hashing {
    const task = ++this.#lastTask;
    const index = this.#leastBusy();
    const { thread, tasks } = (this.#threads[index] ??= this.#startThread(index));
    const waiting: Waiting[] = [];
    tasks.set(task, waiting);
    const say = (message: ToHashThread) => thread.send(message);
    const ask = (message: ToHashThread) =>
      new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject });
        say(message);
      });
    say({ task, algorithm });
    return {
      add: async (block, length) => void (await ask({ task, block, length })),
      end: () => ask({ task, isOver: true }).finally(() => tasks.delete(task)),
      drop() {
        if (tasks.delete(task)) say({ task, isDropped: true });
      },
    };
  }

  #leastBusy(): number {
    const busy = this.#threads.map((one) => one?.tasks.size ?? 0);
    return busy.indexOf(Math.min(...busy));
  }

  #startThread(index: number): HashThread {
    const tasks = new Map<number, Waiting[]>();
    const thread = startThread(program, {
      said(message) {
        const { task, value = "" } = message as FromHashThread;
        tasks.get(task)?.shift()?.resolve(value);
      },
      failed: (thrown) => {
        this.#threads[index] = undefined;
        for (const waiting of tasks.values()) for (const one of waiting) one.reject(thrown);
      },
    });
    return { thread, tasks };
  }

  close(): void {
    for (const one of this.#threads) one?.thread.end();
  }
}
