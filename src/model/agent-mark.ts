import { createHash } from "node:crypto";

/** Carried by every process that an agent starts, so that the next one in its folder, or its site, finds what was left. */
export const agentMark = "CANOPY_AGENT";

/** What it says of the agent of a folder; that agent's cages are named so, too. */
export function agentMarkOf(folder: string): string {
  return `canopy-${createHash("sha256").update(folder).digest("hex").slice(0, agentMarkDigits)}`;
}

export const agentMarkDigits = 12;
