import { CanopyError } from "#/base/errors.ts";
import { MemoryLog } from "#/space/logs/memory.ts";

/** A log on a disk that can be full. */
export class FullLog extends MemoryLog {
  isFull = false;

  override async append(batch: Parameters<MemoryLog["append"]>[0]): Promise<void> {
    if (this.isFull) throw new CanopyError("no-space", "full");
    return super.append(batch);
  }
}
