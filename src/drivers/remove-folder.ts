import { messageOf } from "#/base/errors.ts";
import type { DriverParts } from "./driver.ts";

/** Removes what a task has left. Where that cannot be, the task has ended all the same: it is only said. */
export async function removeFolder(
  { files, log }: Pick<DriverParts, "files" | "log">,
  folder: string,
): Promise<void> {
  await files.remove(folder).catch((thrown: unknown) => {
    log.warn("what a task has left cannot be removed", { folder, error: messageOf(thrown) });
  });
}
