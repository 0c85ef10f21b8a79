import { limits } from "#/base/limits.ts";
import type { VolumeOrder } from "#/model/hosting.ts";
import { copyNodes, nodes } from "./disk-nodes.ts";
import { runJob } from "./jobs.ts";
import type { Qmp } from "./qmp.ts";

const copyOf = (volume: string) => ({ file: `zf-${volume}`, format: `z-${volume}` });

/** Lets go of the file of a copy, having written the last of it; nothing happens where there is none. */
export async function leaveCopy(qmp: Qmp, volume: string): Promise<void> {
  const { format, file } = copyOf(volume);
  for (const node of [format, file])
    await qmp.run("blockdev-del", { "node-name": node }).catch(() => {});
}

/**
 * Copies what a volume holds at this moment into an empty file, which QEMU sees at `path`. Whoever writes goes on; what they overwrite
 * is copied first. What the volume stands on never changes, and is not copied: where there is that, the file holds what was written
 * since alone. Throws QmpError.
 */
export async function copyVolume(
  qmp: Qmp,
  order: VolumeOrder,
  path: string,
): Promise<{ isOnBase: boolean }> {
  const { volume } = order;
  const copy = copyOf(volume);
  const base = nodes.base(volume);
  const known = await qmp.run<{ "node-name": string }[]>("query-named-block-nodes", { flat: true });
  const isOnBase = known.some((one) => one["node-name"] === base);
  try {
    for (const node of copyNodes(order, path, { ...copy, base: isOnBase ? base : null }))
      await qmp.run("blockdev-add", node);
    const job = {
      device: nodes.format(volume),
      target: copy.format,
      sync: isOnBase ? "top" : "full",
    };
    await runJob(qmp, `freeze-${volume}`, "blockdev-backup", job, limits.guestCopyMs);
  } finally {
    await leaveCopy(qmp, volume);
  }
  return { isOnBase };
}
