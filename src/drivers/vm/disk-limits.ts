import type { PreparedDisk } from "../instance-driver.ts";
import { deviceLimits, nodes } from "./disk-nodes.ts";
import type { Qmp } from "./qmp.ts";

interface BlockDevice {
  /** Where it is among all objects: of one on a bus, what is behind the bus is told. */
  qdev?: string;
}

/** Holds a disk that is there to its limits from now on. Throws QmpError. */
export async function limitDisk(qmp: Qmp, disk: PreparedDisk): Promise<void> {
  const device = nodes.device(disk.volume);
  const all = await qmp.run<BlockDevice[]>("query-block");
  const found = all.find(({ qdev }) => qdev?.split("/").includes(device));
  await qmp.run("block_set_io_throttle", { id: found?.qdev ?? device, ...deviceLimits(disk) });
}
