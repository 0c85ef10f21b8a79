import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A job as it was recorded. */
export interface Arrival {
  /** Milliseconds after the first one. */
  atMs: number;
  lengthMs: number;
  cpus: number;
}

/** The 1,000 arrivals of Alibaba's PAI trace in the folder of real data. */
export async function readArrivals(data: string): Promise<Arrival[]> {
  const text = await readFile(join(data, "arrivals", "alibaba-pai-1k.csv"), "utf8");
  const [, ...lines] = text.trim().split("\n");
  return lines.map((line) => {
    const [at = 0, length = 0, cpus = 0] = line.split(",").map(Number);
    return { atMs: at * 1000, lengthMs: length * 1000, cpus };
  });
}
