import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop } from "#/base/loop.ts";
import type { Compaction } from "./compaction.ts";
import type { Leftovers } from "./leftovers.ts";
import type { Scrubber } from "./scrubber.ts";

/** Removes now and then what is left over, compacts packs that hold little, and reads everything to see whether it is whole. `stop` resolves when nothing of it goes on. */
export function startUpkeep({
  compaction,
  leftovers,
  scrubber,
  clock,
  report,
}: {
  compaction: Compaction;
  leftovers: Leftovers;
  scrubber: Scrubber;
  clock: Clock;
  report: Log;
}): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const looped = (name: string, turn: () => Promise<unknown>) =>
    startLoop(
      name,
      () => {
        const run = turn();
        running = Promise.allSettled([running, run]);
        return run.then(() => undefined);
      },
      { clock, log: report, everyMs: limits.compactionLookMs },
    );
  const loops = [
    looped("leftovers", () => leftovers.remove()),
    looped("compaction", () => compaction.run({ shareMin: limits.compactionShareMin })),
    looped("scrubber", () => scrubber.look()),
  ];
  return {
    async stop() {
      for (const loop of loops) loop.stop();
      compaction.stop();
      scrubber.stop();
      await running;
    },
  };
}
