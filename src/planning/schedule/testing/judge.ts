import type { PlanProblem } from "../problem.ts";

/**
 * What is right and what is best, said again from the problem alone: it shares nothing with the code that
 * it judges but the words.
 */
export function faultsOfSchedule(
  problem: PlanProblem,
  {
    starts,
    machines,
    makespan,
  }: { starts: ArrayLike<number>; machines: ArrayLike<number>; makespan: number },
): string[] {
  const faults: string[] = [];
  const end = (task: number) => starts[task]! + durationOn(problem, task, machines[task]!);
  let last = 0;
  for (const [task, { after }] of problem.tasks.entries()) {
    last = Math.max(last, end(task));
    const machine = problem.machines[machines[task]!];
    if (!machine || !(end(task) < Infinity)) faults.push(`task ${task} runs nowhere`);
    else if (!(starts[task]! >= (machine.from ?? 0))) faults.push(`task ${task} starts too early`);
    for (const { task: earlier, bytes } of after) {
      const there = end(earlier) + transfer(problem, bytes, machines[earlier]!, machines[task]!);
      if (starts[task]! < there)
        faults.push(`task ${task} starts before what ${earlier} gives is there`);
    }
  }
  if (last !== makespan) faults.push(`the makespan is ${last}, not ${makespan}`);
  return [...faults, ...overloads(problem, starts, machines, end)];
}

function overloads(
  problem: PlanProblem,
  starts: ArrayLike<number>,
  machines: ArrayLike<number>,
  end: (task: number) => number,
): string[] {
  const faults: string[] = [];
  const indexes = problem.tasks.map((_, task) => task);
  for (const at of indexes) {
    const machine = machines[at]!;
    const beside = indexes.filter(
      (task) =>
        machines[task] === machine && starts[task]! <= starts[at]! && end(task) > starts[at]!,
    );
    for (const [resource, most] of problem.machines[machine]!.capacity.entries()) {
      const used = beside.reduce(
        (sum, task) => sum + (problem.tasks[task]!.needs[resource] ?? 0),
        0,
      );
      if (used > most) faults.push(`machine ${machine} gives ${used} of ${most} at ${starts[at]}`);
    }
  }
  return faults;
}

/** The optimum: every order that precedence allows, and every machine for each task, each as early as can be. */
export function shortestByBruteForce(problem: PlanProblem): number {
  const { tasks, machines } = problem;
  const placed: { task: number; machine: number; start: number; end: number }[] = [];
  let best = Infinity;
  const visit = (makespan: number): void => {
    if (placed.length === tasks.length) best = Math.min(best, makespan);
    for (const [task, { after }] of tasks.entries()) {
      if (placed.some((other) => other.task === task)) continue;
      const given = after.map(({ task: earlier, bytes }) => ({
        from: placed.find((other) => other.task === earlier),
        bytes,
      }));
      if (given.some(({ from }) => from === undefined)) continue;
      for (const machine of machines.keys()) {
        const duration = durationOn(problem, task, machine);
        if (duration === Infinity) continue;
        let ready = machines[machine]!.from ?? 0;
        for (const { from, bytes } of given)
          ready = Math.max(ready, from!.end + transfer(problem, bytes, from!.machine, machine));
        const candidates = [ready, ...placed.map(({ end }) => end).filter((end) => end > ready)];
        const start = Math.min(
          ...candidates.filter((time) => isFree(task, machine, time, time + duration)),
        );
        if (start + duration >= best) continue;
        placed.push({ task, machine, start, end: start + duration });
        visit(Math.max(makespan, start + duration));
        placed.pop();
      }
    }
  };
  const isFree = (task: number, machine: number, start: number, end: number): boolean => {
    const beside = placed.filter(
      (other) => other.machine === machine && other.start < end && other.end > start,
    );
    const moments = [start, ...beside.map((other) => Math.max(start, other.start))];
    return machines[machine]!.capacity.every((most, resource) =>
      moments.every((moment) => {
        const running = beside.filter((other) => other.start <= moment && other.end > moment);
        const used = running.reduce((sum, other) => sum + tasks[other.task]!.needs[resource]!, 0);
        return used + tasks[task]!.needs[resource]! <= most;
      }),
    );
  };
  visit(0);
  return best;
}

function durationOn({ tasks, machines }: PlanProblem, task: number, machine: number): number {
  const { duration, needs } = tasks[task]!;
  const { capacity, speed = 1 } = machines[machine]!;
  if (needs.some((need, resource) => need > capacity[resource]!)) return Infinity;
  return typeof duration === "number" ? duration / speed : duration[machine]!;
}

function transfer({ link }: PlanProblem, bytes: number, from: number, to: number): number {
  if (from === to || !link) return 0;
  const { latency, bandwidth } = link(from, to);
  return latency + bytes * (1 / bandwidth);
}
