import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Random } from "#/base/random.ts";
import type { Space } from "#/space/space.ts";
import type { AccessLog } from "./access-log.ts";
import { startDeliveries } from "./deliveries.ts";
import { finishRemovals } from "./finish-removals.ts";
import { startInventories } from "./inventory.ts";
import { startLifecycle } from "./lifecycle.ts";
import type { Places } from "./places.ts";
import type { ReportParts } from "./reports.ts";

/** Starts all that buckets do by themselves, once what a crash has left half done is ended. */
export async function startBuckets(
  parts: ReportParts & {
    space: Space;
    clock: Clock;
    random: Random;
    log: Log;
    places: Places;
    accessLog: AccessLog;
  },
): Promise<{ stop(): void }> {
  await finishRemovals(parts);
  const { accessLog } = parts;
  accessLog.start();
  const acting = [
    accessLog,
    startDeliveries(parts),
    startLifecycle(parts),
    startInventories(parts),
  ];
  return {
    stop() {
      for (const one of acting) one.stop();
    },
  };
}
