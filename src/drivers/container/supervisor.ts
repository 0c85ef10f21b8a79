import { join } from "node:path";
import type { InstanceDriverParts } from "../instance-driver.ts";

/** A process that cannot be taken for a later one of the same id. */
export interface Known {
  pid: number;
  ticks: number;
}

/** What stays beside a container: see launchScript. Undefined where none was started, or where it ended without a word. */
export async function supervisorOf(
  parts: Pick<InstanceDriverParts, "files" | "processes">,
  folder: string,
): Promise<Known | undefined> {
  const text = await fileText(parts, join(folder, "supervisor"));
  const [pid = 0, ticks = 0] = (text ?? "").split(" ").map(Number);
  if (pid === 0) return undefined;
  const hasEnded = (await fileText(parts, join(folder, "exit"))) !== undefined;
  return hasEnded || parts.processes.isAlive(pid, ticks) ? { pid, ticks } : undefined;
}

export async function fileText(
  { files }: Pick<InstanceDriverParts, "files">,
  path: string,
): Promise<string | undefined> {
  const content = await files.read(path);
  return content && Buffer.from(content).toString().trim();
}

/** What `supervisorOf` reads. */
export function supervisorText(
  processes: Pick<InstanceDriverParts["processes"], "startedTicks">,
  pid: number,
): string {
  return `${pid} ${processes.startedTicks(pid) ?? 0}`;
}
