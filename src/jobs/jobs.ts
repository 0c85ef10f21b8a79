import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Objects } from "#/objects/objects.ts";
import type { Space } from "#/space/space.ts";

export declare function startJobs(parts: {
  space: Space;
  objects: Pick<Objects, "get" | "put">;
  clock: Clock;
  log: Log;
}): { stop(): void };
