import { interpreterOf, type FunctionConfig } from "#/model/function.ts";
import type { Capacity } from "#/model/needs.ts";
import type { Environment, FunctionHost } from "./environment.ts";
import { sizeOf } from "./brief.ts";

/** Machines as they are at this moment, and room on them. */
export interface FunctionField {
  machines(): readonly { machine: string; connected: boolean; free: Capacity }[];
  /** Takes so much of a machine from what tasks are given; the function gives it back. */
  hold(machine: string, held: Capacity): () => void;
}

/** The machine with the most memory free of those that can run it and have room; or why there is none. */
export function placeFor(
  config: FunctionConfig,
  hosts: ReadonlyMap<string, FunctionHost>,
  field: Pick<FunctionField, "machines">,
  isOpen: (machine: string) => boolean,
): FunctionHost | { because: string } {
  const interpreter = interpreterOf(config.runtime);
  const size = sizeOf(config);
  const reasons: string[] = [];
  let best: { host: FunctionHost; freeBytes: number } | undefined;
  for (const { machine, free } of field.machines()) {
    const host = hosts.get(machine);
    if (!host) continue;
    const { interpreters, missing } = host.abilities;
    if (!isOpen(machine)) reasons.push(`${machine} gets nothing new`);
    else if (!interpreters.includes(interpreter))
      reasons.push(
        `${machine} cannot run ${config.runtime}${missing.length > 0 ? `: ${missing.join(", ")}` : ""}`,
      );
    else if (free.memoryBytes < size.memoryBytes)
      reasons.push(`${machine} has ${Math.floor(free.memoryBytes / 2 ** 20)} MB free`);
    else if (!best || free.memoryBytes > best.freeBytes)
      best = { host, freeBytes: free.memoryBytes };
  }
  if (best) return best.host;
  return {
    because:
      reasons.length > 0 ? reasons.join("; ") : "no machine that runs functions is connected",
  };
}

/**
 * A machine that could run it if environments that rest there were ended: they are, the longest rested first. Undefined where even that
 * would not do, and then none is.
 */
export function makeRoom(
  config: FunctionConfig,
  hosts: Iterable<FunctionHost>,
  field: Pick<FunctionField, "machines">,
  end: (environment: Environment) => void,
): FunctionHost | undefined {
  const interpreter = interpreterOf(config.runtime);
  const { memoryBytes } = sizeOf(config);
  const free = new Map(field.machines().map((one) => [one.machine, one.free.memoryBytes]));
  for (const host of hosts) {
    if (!host.abilities.interpreters.includes(interpreter)) continue;
    const resting = [...host.environments.values()]
      .filter(({ state }) => state === "idle")
      .sort((a, b) => a.idleSinceMs - b.idleSinceMs);
    let left = free.get(host.machine) ?? 0;
    const going: Environment[] = [];
    for (const environment of resting) {
      if (left >= memoryBytes) break;
      going.push(environment);
      left += sizeOf(environment.pool.target.config).memoryBytes;
    }
    if (left < memoryBytes) continue;
    for (const environment of going) end(environment);
    return host;
  }
  return undefined;
}
