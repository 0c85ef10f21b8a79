import type { Processes } from "#/base/processes.ts";
import { runCommand, type Said } from "../instances/command.ts";

/** Runs a script of the system's shell to its end, its arguments as $1 and on. What it thinks of its work is its code. */
export function runScript(
  processes: Pick<Processes, "spawn">,
  script: string,
  ...args: string[]
): Promise<Said> {
  return runCommand(processes, ["/bin/sh", "-c", script, "sh", ...args]);
}
