import type { MachineRecord } from "#/model/machine.ts";
import { taskName, type TaskRecord } from "#/model/task.ts";
import type { SegmentSource } from "#/model/wire.ts";

/**
 * Where the output of a map step is, by the partitions that its tasks wrote to: one bit for each
 * task and partition, as there may be thousands of both. Read once for a reduce step, and again
 * when some of it was lost and made anew.
 */
export class Segments {
  readonly mapStep: string;
  /** False until all map tasks are read: no reduce task is handed out before. */
  isComplete = false;
  isLoading = false;
  #machines = new Map<string, { index: number; written: Uint8Array }[]>();

  constructor(mapStep: string) {
    this.mapStep = mapStep;
  }

  add(index: number, { machine, bytes }: NonNullable<TaskRecord["status"]["shuffle"]>): void {
    const written = new Uint8Array(Math.ceil(bytes.length / 8));
    bytes.forEach((count, partition) => {
      if (count > 0) written[partition >> 3]! |= 1 << (partition & 7);
    });
    const tasks = this.#machines.get(machine);
    if (tasks) tasks.push({ index, written });
    else this.#machines.set(machine, [{ index, written }]);
  }

  /** Where the segments of one partition are; machines that have none of it are left out. */
  sources(
    partition: number,
    machineOf: (name: string) => MachineRecord | undefined,
  ): SegmentSource[] {
    const sources: SegmentSource[] = [];
    for (const [machine, tasks] of this.#machines) {
      const segments = tasks
        .filter(({ written }) => written[partition >> 3]! & (1 << (partition & 7)))
        .map(({ index }) => `${taskName(this.mapStep, index)}/${partition}`);
      if (segments.length === 0) continue;
      const peerUrl = machineOf(machine)?.status.peerUrl;
      sources.push(peerUrl ? { machine, peerUrl, segments } : { machine, segments });
    }
    return sources;
  }
}
