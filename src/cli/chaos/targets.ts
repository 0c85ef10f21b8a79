import { CanopyError } from "#/base/errors.ts";
import { chaosTargets, type ChaosTarget } from "#/model/game-day.ts";

/** "tasks,agents", one or many of each. Throws CanopyError "invalid". */
export function parseTargets(text: string): ChaosTarget[] {
  const words = text.split(",").map((word) => word.trim().toLowerCase().replace(/s$/, ""));
  const unknown = words.find((word) => !chaosTargets.includes(word as ChaosTarget));
  if (unknown !== undefined) {
    throw new CanopyError("invalid", `Cannot hit '${unknown}' as there is no such kind of target`, {
      hint: "There are: tasks, agents, machines",
    });
  }
  return [...new Set(words as ChaosTarget[])];
}
