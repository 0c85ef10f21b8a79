import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { LogLine } from "#/model/wire.ts";

/** Lines that tasks print, on their way to the cloud. Without a link they wait, and the newest are dropped when too many do. */
export class Prints {
  #clock: Pick<Clock, "now">;
  #lines: LogLine[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0;
  }

  add(task: string, stream: LogLine["stream"], text: string): void {
    if (this.#bytes > limits.linkLogBytesMax) {
      this.#dropped++;
      return;
    }
    if (this.#dropped > 0) {
      const note = `${this.#dropped} lines of this machine's tasks were dropped as the cloud was not there or too slow`;
      this.#dropped = 0;
      this.add(task, "canopy", note);
    }
    this.#lines.push({ task, at: this.#clock.now(), stream, text });
    this.#bytes += text.length + 64;
  }

  /** Up to a message full of lines, the oldest first. */
  take(): LogLine[] {
    let bytes = 0;
    let count = 0;
    while (count < this.#lines.length && bytes < limits.logMessageBytesMax) {
      bytes += this.#lines[count++]!.text.length + 64;
    }
    this.#bytes = Math.max(0, this.#bytes - bytes);
    return this.#lines.splice(0, count);
  }
}
