import type { PlanRecord } from "#/model/plan.ts";
import { SpotPlans } from "../wait-for-spot.ts";

/** What is known of a job with a goal beside its records. */
export class Memory {
  /** A deadline, and when it is on the monotonic clock: a wall clock that is set does not move it. */
  deadline: { readonly at: number; readonly ms: number } | undefined;
  /** What nothing could be done about is thought about again then, on the monotonic clock. */
  restsUntilMs = 0;
  /** Whether others would be cheaper is asked again then; for a while after an exchange it is not. */
  exchangesFromMs = 0;
  /** Whether a proposal that waits is still the right one is asked again then. */
  proposesFromMs = 0;
  /** Since when nothing could keep its deadline. */
  missedSinceMs: number | undefined;
  /** What its plan expects, once it was looked up. */
  plan: PlanRecord | undefined;
  readonly spot = new SpotPlans();
  #said = new Map<Topic, string>();

  /** Whether that is said for the first time since something else was, or since it was forgotten. */
  isNew(topic: Topic, said: string): boolean {
    const isNew = this.#said.get(topic) !== said;
    this.#said.set(topic, said);
    return isNew;
  }

  forget(topic: Topic): void {
    this.#said.delete(topic);
  }
}

/** What keeps the goal, and what would be cheaper: the second is asked about only now and then. */
type Topic = "goal" | "exchange";
