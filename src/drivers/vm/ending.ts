import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Cage } from "#/base/processes.ts";
import type { RunningInstance } from "../instance-driver.ts";
import { wordsFile } from "./machine.ts";

export type Ending = Awaited<RunningInstance["ended"]>;

/** What QEMU's state (RunState in its documentation) says of a guest that stands still; undefined for one that may go on. */
export function endOf(status: string): Ending | undefined {
  if (status === "shutdown") return { by: "itself" };
  if (status === "guest-panicked")
    return { by: "crash", message: "The guest's kernel has given up" };
  if (status === "internal-error")
    return { by: "crash", message: "The processor has met what it cannot virtualise" };
  return undefined;
}

/** Why a QEMU is not there any more, as far as can be known. */
export async function wordsOfCrash(
  files: Files,
  folder: string,
  cage: Cage | undefined,
): Promise<string> {
  if (cage && cage.usage().memoryKills > 0)
    return "QEMU has taken more memory than it may, and was ended";
  const path = wordsFile(folder);
  const size = (await files.stat(path))?.sizeBytes ?? 0;
  const length = limits.emulatorWordsBytesMax;
  const words = await files.read(path, { offset: Math.max(0, size - length), length });
  const text = Buffer.from(words ?? [])
    .toString()
    .trim();
  return text === "" ? "QEMU was ended from outside" : text.replaceAll("qemu-system-x86_64: ", "");
}
