/** A program on a thread of its own: what it is told and what it says are plain data, copied. */
export interface Thread {
  send(message: unknown): void;
  /** Ends it, whatever it is doing. */
  end(): void;
}

export interface ThreadEvents {
  said(message: unknown): void;
  /** It failed, and has ended. */
  failed(error: unknown): void;
}

/** Starts `program`, a module of this one, on a thread. It does not keep the process alive. */
export type StartThread = (program: URL, events: ThreadEvents) => Thread;
