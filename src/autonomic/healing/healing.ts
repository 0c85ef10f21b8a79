import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Space, Transaction } from "#/space/space.ts";
import type { TaskError } from "#/model/task.ts";
import type { Knowledge } from "../knowledge/follow.ts";
import { underWay, type Attempt } from "./attempts.ts";
import { FailingKeys } from "./failing-keys.ts";
import { FailingSteps } from "./failing-steps.ts";
import { followHealth } from "./health-follow.ts";
import { MachineHealth } from "./machine-health.ts";
import { Machines } from "./machines.ts";
import { SlowTasks } from "./slow-tasks.ts";

/** What is under way at this moment, and what can be done about it. */
export interface HealingField {
  leases(): Attempt[];
  machines(): { machine: string; connected: boolean; losses: number }[];
  /** Machines on which a second attempt of that task could begin at once. */
  spareFor(task: string): string[];
  /** Both false when the attempt is over, or it cannot be done any more: then nothing has changed. */
  beginCopy(attempt: Attempt, machine: string, also: (tx: Transaction) => void): boolean;
  endAttempt(attempt: Attempt, error: TaskError, also: (tx: Transaction) => void): boolean;
}

export interface HealingParts {
  space: Space;
  clock: Clock;
  log: Log;
  field: HealingField;
  knowledge: Pick<Knowledge, "runTimes" | "slownessOf">;
}

/**
 * The loop that heals what does not fail by itself. A machine that is lost or a task that fails is seen to
 * by the scheduler, at once; this one looks every now and then at what goes on and on.
 */
export function startHealing(parts: HealingParts): { stop(): void } {
  return new HealingLoop(parts);
}

class HealingLoop {
  #parts: HealingParts;
  #loop: Loop;
  #slow: SlowTasks;
  #machines: Machines;
  #steps: FailingSteps;
  #keys: FailingKeys;
  #stopFollowing: () => void;
  #restUntilMs = 0;

  constructor(parts: HealingParts) {
    this.#parts = parts;
    this.#slow = new SlowTasks(parts);
    const health = new MachineHealth();
    this.#machines = new Machines(parts, health);
    this.#steps = new FailingSteps(parts, health);
    this.#keys = new FailingKeys(parts);
    this.#stopFollowing = followHealth(parts.space, health);
    const { clock, log } = parts;
    this.#loop = startLoop("healing", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.healLookMs,
    });
  }

  stop(): void {
    this.#loop.stop();
    this.#steps.stop();
    this.#keys.stop();
    this.#stopFollowing();
  }

  #turn(): void {
    const { clock, space, field } = this.#parts;
    const startMs = clock.monotonicMs();
    if (startMs < this.#restUntilMs) return;
    this.#slow.look(underWay(space, field.leases()));
    this.#machines.look();
    this.#steps.look();
    this.#keys.look();
    const tookMs = clock.monotonicMs() - startMs;
    this.#restUntilMs = startMs + limits.healRestFactor * tookMs;
  }
}
