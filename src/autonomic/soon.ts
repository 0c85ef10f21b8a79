import { limits } from "#/base/limits.ts";
import { siteOf } from "#/model/machine.ts";
import { heldBy, type Capacity } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";
import { slotsOf } from "./slots.ts";
import { spentAtMost, type Running, type SpendingParts } from "./spending.ts";

/** A job whose tasks will have cost its budget this long from now is ended now: so long it may go on until it is looked at, and has ended. */
export const budgetAheadMs = limits.goalReleaseMs + 2 * limits.goalLookMs;

interface Parts {
  space: Pick<Space, "get">;
  field: { machines(): { machine: string; connected: boolean; free: Capacity }[] };
}

/**
 * What a job that begins again will have cost when its budget is first looked at ahead, at least: with those of its
 * tasks that have room at once where they are cheapest. Machines without a known price are left out.
 */
export function spentSoon(
  parts: Parts,
  spending: Omit<SpendingParts, "running">,
  now: number,
): { micros: number | undefined; tasks: number } {
  const running = placedAtOnce(parts, spending, now);
  const micros = spentAtMost(now + budgetAheadMs, { ...spending, running });
  return { micros, tasks: running.length };
}

function placedAtOnce(
  { space, field }: Parts,
  { job, steps }: Pick<SpendingParts, "job" | "steps">,
  since: number,
): Running[] {
  const machines = field.machines().flatMap(({ machine: name, connected, free }) => {
    const machine = space.get("machine", name);
    if (!connected || !machine) return [];
    const { cordoned, reservedFor = job.name, reservedForProject = job.project } = machine.spec;
    const { rates, capacity, drivers } = machine.status;
    const isOpen = !cordoned && reservedFor === job.name && reservedForProject === job.project;
    if (!isOpen || rates.microsPerHour === undefined) return [];
    const { labels } = machine.spec;
    const perCpu = rates.microsPerHour / capacity.milliCpus;
    return [{ name, site: siteOf(machine.spec), labels, drivers, perCpu, capacity: { ...free } }];
  });
  machines.sort((a, b) => a.perCpu - b.perCpu);
  const found: Running[] = [];
  for (const step of steps.filter((one) => isReady(one, steps))) {
    const { needs, run } = step.spec.template;
    const held = heldBy(needs);
    let left = step.status.offered - step.status.succeeded;
    for (const { name, capacity, ...place } of machines) {
      const kind = { needs: { ...needs, ...held }, driver: run.driver };
      const count = Math.max(0, Math.min(left, slotsOf(kind, { ...place, capacity })));
      for (let number = 0; number < count; number++)
        found.push({ task: `${step.name}/${number}`, machine: name, since });
      capacity.milliCpus -= count * held.milliCpus;
      capacity.memoryBytes -= count * held.memoryBytes;
      left -= count;
    }
  }
  return found;
}

function isReady({ spec }: StepRecord, steps: readonly StepRecord[]): boolean {
  return spec.after.every(
    (name) => steps.find((one) => one.name === name)?.status.phase === "succeeded",
  );
}
