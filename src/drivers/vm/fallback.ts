import type { Files } from "#/base/files.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { MachineType } from "./machine.ts";

/**
 * Some kernels do not boot on a machine without buses and timers: they know no devices but those on a bus, or wait for a timer
 * for ever. Such a guest is ended, and its next start gives it a whole computer. That is written in its folder, as the
 * agent may have ended in between.
 */
const fallbackFile = (folder: string) => `${folder}/whole-computer`;

export async function machineTypeOf(
  files: Files,
  folder: string,
  { kind }: InstanceOrder,
): Promise<MachineType> {
  return kind === "microvm" && !(await files.stat(fallbackFile(folder))) ? "microvm" : "q35";
}

/** From its next start on it has a whole computer. */
export async function fallBack(files: Files, folder: string, why: string): Promise<void> {
  await files.write(fallbackFile(folder), why);
}

/** Whether the last words of a kernel say that it has found no disk, where there is one. */
export const hasFoundNoDisk = (panic: string) =>
  /unable to mount root fs|no working init/i.test(panic);
