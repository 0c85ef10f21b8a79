import { currentVenue } from "./context.ts";
import { thisWorld } from "./world.ts";

/**
 * The time, milliseconds since 1970 UTC. In a durable job it is kept: run again, the job sees the same.
 */
export function now(): Promise<number> {
  return currentVenue().record("now", () => thisWorld().clock.now()) as Promise<number>;
}

/** A number in [0, 1). In a durable job it is kept: run again, the job sees the same. */
export function random(): Promise<number> {
  return currentVenue().record("random", () => thisWorld().random.fraction()) as Promise<number>;
}

/**
 * Does something to the world outside, or asks it something, and keeps what came of it: run again, the
 * job gets that and `run` is not called. It is called again only when the job was lost while it ran, or
 * before its result was kept, so what it does should be safe to do twice. `name` tells people, and a
 * replay, which effect it is.
 */
export function sideEffect<T>(name: string, run: () => T): Promise<Awaited<T>> {
  return currentVenue().record(name, run) as Promise<Awaited<T>>;
}
