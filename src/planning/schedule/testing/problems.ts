import fc from "fast-check";
import type { PlanMachine, PlanProblem } from "../problem.ts";

export const oneMachine = (cpus: number): PlanMachine[] => [{ capacity: [cpus] }];

export const unlikeMachines = (speeds: number[]): PlanMachine[] =>
  speeds.map((speed) => ({ capacity: [1], speed }));

/** Random problems: some on one machine of several resources, some on unlike ones with transfers. */
export function problems(size: {
  tasksMax: number;
  machinesMax: number;
}): fc.Arbitrary<PlanProblem> {
  const speed = fc.constantFrom(1, 1, 2, 3);
  const machine = fc.record({
    capacity: fc.tuple(fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 })),
    speed,
    from: fc.constantFrom(0, 0, 0, 5),
  });
  const task = fc.record({
    duration: fc.integer({ min: 0, max: 9 }),
    needs: fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
    after: fc.array(fc.record({ back: fc.integer({ min: 1, max: 6 }), bytes: fc.nat(20) }), {
      maxLength: 2,
    }),
  });
  return fc
    .record({
      machines: fc.array(machine, { minLength: 1, maxLength: size.machinesMax }),
      tasks: fc.array(task, { minLength: 1, maxLength: size.tasksMax }),
      latency: fc.constantFrom(0, 1),
    })
    .map(({ machines, tasks, latency }) => ({
      machines,
      tasks: tasks.map(({ duration, needs, after }, index) => ({
        duration,
        needs: duration === 0 ? [0, 0] : needs,
        after: after
          .filter(({ back }) => back <= index)
          .map(({ back, bytes }) => ({ task: index - back, bytes })),
      })),
      link: (from, to) => ({ latency, bandwidth: 4 + ((from + to) % 3) }),
    }));
}
