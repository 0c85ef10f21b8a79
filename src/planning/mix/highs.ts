import type { Solve } from "./improve.ts";

/** Of one program. */
const secondsMax = 0.5;

/**
 * HiGHS (https://highs.dev), compiled to WebAssembly: 4 MB that take some 50 ms to load, so whoever asks
 * does that on a thread of its own. A program that takes longer than half a second is given up.
 */
export async function openHighs(): Promise<Solve> {
  const found = await import("highs");
  // Its types are those of the CommonJS form, which has its function one level further down.
  const load = found.default as unknown as typeof found.default.default;
  const highs = await load();
  return (program) => {
    const { Status, ObjectiveValue, Columns } = highs.solve(program, {
      output_flag: false,
      time_limit: secondsMax,
    });
    if (Status === "Infeasible") return "none";
    if (Status !== "Optimal") return "unknown";
    const values = Object.entries(Columns).map(([name, column]) => [name, column.Primal] as const);
    return { least: ObjectiveValue, values: Object.fromEntries(values) };
  };
}
