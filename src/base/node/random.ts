import { randomBytes } from "node:crypto";
import type { Random } from "../random.ts";

/** The system's entropy. */
export const nodeRandom: Random = {
  bytes: (count) => randomBytes(count),
  fraction: () => Math.random(),
};
