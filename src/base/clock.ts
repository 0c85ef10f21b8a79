/** What a timer gives back, to call it off. */
export interface Timer {
  cancel(): void;
}

/** Time, handed in. Nothing outside `base/node` reads the machine's clock. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC. For people and records; never for measuring. */
  now(): number;
  /** A clock that never goes back, in milliseconds. Only differences within one process mean anything. */
  monotonicMs(): number;
  /** Runs `action` once, `delayMs` from now. Does not keep the process alive when `background` is set. */
  after(delayMs: number, action: () => void, background?: boolean): Timer;
  /** Runs `action` when this turn of the event loop has handled what came in. */
  soon(action: () => void): void;
}

/** Resolves after `delayMs`; rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal!.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** What `promise` gives, or undefined after `durationMs`. */
export async function within<T>(
  clock: Clock,
  durationMs: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = clock.after(durationMs, () => late.resolve(undefined), true);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    timer.cancel();
  }
}
