import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { briefDuration } from "#/model/units.ts";
import type { GameDayReport, HitView } from "#/model/chaos-views.ts";
import type { Client } from "#/sdk/client.ts";
import { interruptedExit, type Cli, type Done } from "../verb.ts";
import { healOf, lossOf, noticeOf } from "./figures.ts";
import { reportText } from "./report-text.ts";

const lookMs = 500;

/**
 * Follows a game day to its end: each hit as it happens and as it heals on stderr, the report on stdout.
 * Exits with 1 when something was lost, or when it stopped by itself. Ctrl-C leaves it on.
 */
export async function followGameDay(cli: Cli, client: Client, id: string): Promise<Done> {
  const { err, world, onInterrupt } = cli.terminal;
  const leave = new AbortController();
  const stopListening = onInterrupt(() =>
    leave.abort(new CanopyError("unavailable", "interrupted")),
  );
  const told = new Map<number, HitView["phase"]>();
  try {
    for (;;) {
      const report = await client.gameDay(id);
      for (const hit of report.hitList) {
        if (told.get(hit.number) === hit.phase) continue;
        told.set(hit.number, hit.phase);
        err.write(`${lineOf(hit)}\n`);
      }
      if (report.phase === "ended") return ended(cli, report);
      await sleep(world.clock, lookMs, leave.signal);
    }
  } catch (thrown) {
    if (!leave.signal.aborted) throw thrown;
    err.write(`The game day ${id} goes on. Stop it with: canopy chaos stop ${id}\n`);
    return { exitCode: interruptedExit };
  } finally {
    stopListening();
  }
}

/** The report of a game day as a result; its exit code tells whether all went well. */
function ended(cli: Cli, report: GameDayReport): Done {
  const nowMs = cli.terminal.world.clock.now();
  return {
    result: { type: "text", value: report, text: (out) => reportText(report, nowMs, out) },
    exitCode: report.totals.tasksLost > 0 || report.alarm ? 1 : 0,
  };
}

function lineOf(hit: HitView): string {
  const { number, target, subject, machine, phase, tasks } = hit;
  const where = target === "task" ? ` on ${machine}` : `, ${tasks} tasks under way`;
  const what = `${number + 1} ${target} ${subject}${where}`;
  if (phase === "dry") return `would hit ${what}`;
  if (phase === "open") return `hit ${what}`;
  if (phase === "missed") return `missed ${what}: it was not there any more`;
  const noticed = noticeOf(hit);
  const after =
    hit.healMs === undefined ? healOf(hit) : `healed after ${briefDuration(hit.healMs)}`;
  return `${after}: ${what}; noticed after ${noticed}; lost ${lossOf(hit)}`;
}
