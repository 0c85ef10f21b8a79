import { limits } from "#/base/limits.ts";
import type { Usage } from "#/model/usage.ts";

/** How much the newest run time counts at least, in the mean: old ones fade after a few dozen. */
const weightMin = 1 / 64;
/** No task is taken to last less: what a runner needs to turn from one to the next. */
const wallMsMin = 0.05;

/** How long tasks of one kind take, as far as is known: those of a job's steps of one title. */
export class RunTimes {
  samples = 0;
  meanMs = 0;
  /** Tasks of this kind that are under way. */
  underWay = 0;

  /** Attempts that a step's record has counted before. */
  include({ attempts, wallMs }: Pick<Usage, "attempts" | "wallMs">): void {
    if (attempts === 0) return;
    const sumMs = this.meanMs * this.samples + wallMs;
    this.samples += attempts;
    this.meanMs = Math.max(sumMs / this.samples, wallMsMin);
  }

  add(wallMs: number): void {
    this.samples++;
    const weight = Math.max(1 / this.samples, weightMin);
    this.meanMs += (Math.max(wallMs, wallMsMin) - this.meanMs) * weight;
  }

  /** Short enough that several may wait on a machine without harm. */
  get areShort(): boolean {
    return this.samples > 0 && this.meanMs <= limits.prefetchMs / 2;
  }
}
