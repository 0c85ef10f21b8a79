import type { BenchOptions, Goal } from "../figures.ts";

export interface PartResult {
  /** Names end in their unit. */
  figures: Record<string, number>;
  goals: Goal[];
  /** What a reader of the figures has to know. */
  notes?: string[];
}

/** One of the things that are measured of instances. */
export interface Part {
  name: string;
  measure(options: BenchOptions): Promise<PartResult>;
}

export function ratioGoal(what: string, ratio: number, max: number, of: string): Goal {
  return {
    what,
    target: `≤ ${max} × ${of}`,
    figure: `${ratio.toFixed(2)} ×`,
    holds: ratio <= max,
  };
}
