import type { Outcome } from "./run.ts";
import { cpuMs } from "./seeds.ts";

const hourMs = 3_600_000;

export interface Figures {
  seeds: number;
  violations: number;
  simulatedHours: number;
  realSeconds: number;
  /** Time of processors that it took. */
  cpuSeconds: number;
  processors: number;
  /** Simulated time for each second of one processor. */
  ratio: number;
  events: number;
  faults: number;
  faultsByKind: Record<string, number>;
  jobs: number;
  tasks: number;
  attempts: number;
  answers: number;
  restarts: number;
  failovers: number;
  /** The longest that any seed took to be done after its last fault. */
  convergedSecondsMax: number;
  broken: { seed: number; message: string }[];
}

/** What many seeds came to together. */
export function figuresOf(outcomes: readonly Outcome[], processors: number): Figures {
  const sum = (pick: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const faultsByKind: Record<string, number> = {};
  for (const { faults } of outcomes)
    for (const [kind, count] of Object.entries(faults))
      faultsByKind[kind] = (faultsByKind[kind] ?? 0) + count;
  const simulatedMs = sum((one) => one.simulatedMs);
  const realMs = sum((one) => one.realMs);
  return {
    seeds: outcomes.length,
    violations: outcomes.filter(({ violation }) => violation).length,
    simulatedHours: simulatedMs / hourMs,
    realSeconds: realMs / 1000,
    cpuSeconds: cpuMs() / 1000,
    processors,
    ratio: simulatedMs / realMs,
    events: sum((one) => one.events),
    faults: Object.values(faultsByKind).reduce((total, count) => total + count, 0),
    faultsByKind,
    jobs: sum((one) => one.jobs),
    tasks: sum((one) => one.tasks),
    attempts: sum((one) => one.attempts),
    answers: sum((one) => one.answers),
    restarts: sum((one) => one.restarts),
    failovers: sum((one) => one.failovers),
    convergedSecondsMax: Math.max(0, ...outcomes.map((one) => one.convergedMs / 1000)),
    broken: outcomes.flatMap(({ seed, violation }) =>
      violation ? [{ seed, message: violation.message }] : [],
    ),
  };
}

export function printFigures(figures: Figures): void {
  const { faultsByKind, ratio, simulatedHours, processors, convergedSecondsMax, ...counts } =
    figures;
  const line = (name: string, value: string | number) =>
    console.log(
      `${name.padEnd(28)}${typeof value === "number" ? value.toLocaleString("en") : value}`,
    );
  line("seeds", counts.seeds);
  line("simulated hours", Number(simulatedHours.toFixed(1)));
  line("simulated to real time", `${Math.round(ratio)} : 1 on each of ${processors} processors`);
  line("events", counts.events);
  line(
    "jobs, tasks, attempts",
    [counts.jobs, counts.tasks, counts.attempts].map((n) => n.toLocaleString("en")).join(", "),
  );
  line("answers acknowledged", counts.answers);
  line("restarts", counts.restarts);
  line("changes of leader", counts.failovers);
  line("longest to converge", `${convergedSecondsMax.toFixed(0)} s beyond the work left`);
  line("faults", counts.faults);
  for (const [kind, count] of Object.entries(faultsByKind).sort(([, a], [, b]) => b - a))
    line(`  ${kind}`, count);
  line("violations", counts.violations);
}
