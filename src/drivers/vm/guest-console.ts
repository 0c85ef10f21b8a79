import type { Clock, Timer } from "#/base/clock.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Processes } from "#/base/processes.ts";
import { consoleFile } from "./machine.ts";
import { runScript } from "./shell.ts";

interface ConsoleParts {
  clock: Clock;
  files: Files;
  processes: Pick<Processes, "spawn">;
}

/**
 * What a guest prints. QEMU adds it to a file, also while the agent is away; the file is cut when it has grown too long, its
 * last bytes kept beside it.
 */
export class GuestConsole {
  #parts: ConsoleParts;
  #path: string;
  #timer: Timer | undefined;

  constructor(parts: ConsoleParts, folder: string) {
    this.#parts = parts;
    this.#path = consoleFile(folder);
  }

  /** Keeps its file short from now on. */
  watch(): void {
    this.#timer = this.#parts.clock.after(
      limits.consoleLookMs,
      () => void this.#cut().then(() => this.#timer && this.watch()),
      true,
    );
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The last of it, limits.guestConsoleBytesMax at most. */
  async tail(): Promise<Uint8Array> {
    const recent = await this.#last(this.#path);
    if (recent.length >= limits.guestConsoleBytesMax) return recent;
    const before = await this.#last(`${this.#path}.before`);
    return Buffer.concat([before, recent]).subarray(-limits.guestConsoleBytesMax);
  }

  async #last(path: string): Promise<Uint8Array> {
    const { files } = this.#parts;
    const length = limits.guestConsoleBytesMax;
    const size = (await files.stat(path))?.sizeBytes ?? 0;
    return (
      (await files.read(path, { offset: Math.max(0, size - length), length })) ?? new Uint8Array()
    );
  }

  /** QEMU holds the file open, and writes at its end wherever that is: it is emptied, and not replaced. */
  async #cut(): Promise<void> {
    const { files, processes } = this.#parts;
    const size = (await files.stat(this.#path))?.sizeBytes ?? 0;
    if (size < limits.consoleFileBytesMax) return;
    await files.write(`${this.#path}.before`, await this.#last(this.#path), { mode: 0o600 });
    await runScript(processes, ': > "$1"', this.#path);
  }
}

/** The words of a kernel that has given up; undefined for one that has not. */
export function panicIn(console: Uint8Array): string | undefined {
  const text = Buffer.from(console).toString("latin1");
  const at = text.lastIndexOf("Kernel panic - not syncing");
  return at < 0 ? undefined : text.slice(at).split(/[\r\n]/, 1)[0];
}
