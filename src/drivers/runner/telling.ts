import { messageOf } from "#/base/errors.ts";
import { jobOf } from "#/model/task.ts";
import { SegmentsLost, type DriverParts, type Outcome, type Work } from "../driver.ts";
import { gangPlaceOf } from "../gang-place.ts";
import { failed, usedNothing } from "../outcomes.ts";
import { oneLine, type StepInfo } from "./lines.ts";
import type { Warm } from "./warm.ts";

/** Describes a task's step to a runner that has not heard of it, and gives it a number there. */
export function stepLine(warm: Warm, { step, brief }: Work, cloudUrl: string): string {
  const { run } = brief.spec.template;
  if (run.driver !== "runner") throw new Error(`the step ${step} is not for a runner`);
  const number = (warm.stepsHeard += 1);
  warm.steps.set(step, number);
  const info: StepInfo = {
    step,
    job: jobOf(step),
    function: run.function,
    role: run.role,
    partitions: brief.spec.shuffle?.role === "map" ? brief.spec.shuffle.partitions : 1,
    cloudUrl,
    ...(brief.jobKey === undefined ? {} : { jobKey: brief.jobKey }),
  };
  return `d\t${number}\t${JSON.stringify(info)}`;
}

export function taskLine(warm: Warm, work: Work, number: number): string {
  const { offer, brief, inputFile } = work;
  const { run } = brief.spec.template;
  const kind = run.driver === "runner" && run.role === "reduce" ? "r" : inputFile ? "o" : "t";
  const index = offer.task.slice(work.step.length + 1);
  const input = inputFile?.path ?? oneLine(offer.input);
  const gang = gangPlaceOf(offer);
  const others = gang ? `g\t${JSON.stringify(gang)}\n` : "";
  return `${others}${kind}\t${number}\t${warm.steps.get(work.step)}\t${offer.attempt}\t${index}\t${input}\n`;
}

/**
 * Pours the segments of a reduce task that was just told into its runner, from wherever they are.
 * Resolves with how it failed; with nothing when the runner has all it needs, or has died of it.
 */
export async function reduceWith(
  parts: DriverParts,
  warm: Warm,
  work: Work,
): Promise<Outcome | undefined> {
  const abort = new AbortController();
  void warm.gone.then(() => abort.abort(new Error("its runner has gone")));
  try {
    for await (const piece of parts.shuffle.gather(work.offer.segments ?? [], abort.signal)) {
      await warm.pour(piece);
      if (warm.state === "gone" || warm.state === "ending") return undefined;
    }
    warm.say("e");
    warm.flush();
    return undefined;
  } catch (thrown) {
    if (warm.state === "gone" || warm.state === "ending") return undefined;
    warm.say("\nx");
    warm.flush();
    const usage = usedNothing(parts.clock.now());
    const lostTasks = thrown instanceof SegmentsLost ? thrown.tasks : [];
    return failed(usage, "shuffle-lost", messageOf(thrown), { lostTasks });
  }
}
