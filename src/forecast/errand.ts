import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { changed, type WhatIf } from "./change.ts";
import { forecast, type Forecast, type ForecastOptions } from "./forecast.ts";
import type { Moment } from "./moment.ts";
import type { Recording } from "./recording.ts";
import { replay, type Replayed } from "./replay.ts";
import type { Tried } from "./tried.ts";

/** What forks are run for. Plain data, as it is done on a thread of its own. */
export type Errand =
  | { type: "forecast"; moment: Moment; options: ForecastOptions }
  | { type: "what-if"; moment: Moment; options: ForecastOptions; change: WhatIf }
  | { type: "replay"; recording: Recording; policies: readonly Tried[] };

export interface Errands {
  forecast: Forecast;
  "what-if": { without: Forecast; with: Forecast };
  replay: { replays: Replayed[]; isCutShort: boolean; tookMs: number };
}

/** Runs the forks of an errand. */
export async function run<E extends Errand>(
  errand: E,
  clock: Pick<Clock, "monotonicMs">,
): Promise<Errands[E["type"]]> {
  return (await answerTo(errand, clock)) as Errands[E["type"]];
}

async function answerTo(errand: Errand, clock: Pick<Clock, "monotonicMs">) {
  if (errand.type === "forecast") return forecast(errand.moment, errand.options, clock);
  if (errand.type === "what-if") {
    const { moment, options, change } = errand;
    const after = changed(moment, change);
    const without = await forecast(moment, options, clock);
    return { without, with: await forecast(after, options, clock) };
  }
  const startMs = clock.monotonicMs();
  const spentMs = () => clock.monotonicMs() - startMs;
  const replays: Replayed[] = [];
  for (const policy of errand.policies) {
    const replayed = await replay(errand.recording, policy, () => spentMs() > limits.replayMsMax);
    if (replayed) replays.push(replayed);
  }
  return { replays, isCutShort: spentMs() > limits.replayMsMax, tookMs: spentMs() };
}
