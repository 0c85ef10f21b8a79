import { limits } from "#/base/limits.ts";

export type Stream = "stdout" | "stderr" | "canopy";

/**
 * What one task prints, made into lines. Stops listening at limits.taskLogBytesMax with one line that
 * says so, and cuts lines past limits.logLineBytesMax, so that a task may print gigabytes and harm
 * nobody.
 */
export class TaskOutput {
  #emit: (stream: Stream, line: string) => void;
  #rest = { stdout: "", stderr: "" };
  #bytes = 0;

  constructor(emit: (stream: Stream, line: string) => void) {
    this.#emit = emit;
  }

  /** True when nothing more is kept. */
  get isFull(): boolean {
    return this.#bytes > limits.taskLogBytesMax;
  }

  write(stream: "stdout" | "stderr", text: string): void {
    if (this.isFull || text === "") return;
    const kept = text.slice(0, limits.taskLogBytesMax);
    this.#bytes += Buffer.byteLength(kept);
    const lines = (this.#rest[stream] + kept).split("\n");
    this.#rest[stream] = lines.pop()!;
    for (const line of lines) this.#line(stream, line);
    if (this.#rest[stream].length > limits.logLineBytesMax) this.#endLine(stream);
    if (!this.isFull && kept.length === text.length) return;
    this.#bytes = Infinity;
    this.#emit("canopy", `printed more than ${limits.taskLogBytesMax} bytes: the rest is dropped`);
  }

  /** Gives what did not end in a line break. */
  end(): void {
    this.#endLine("stdout");
    this.#endLine("stderr");
  }

  #endLine(stream: "stdout" | "stderr"): void {
    const rest = this.#rest[stream];
    this.#rest[stream] = "";
    if (rest !== "") this.#line(stream, rest);
  }

  #line(stream: "stdout" | "stderr", line: string): void {
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (text.length <= limits.logLineBytesMax) return this.#emit(stream, text);
    for (let at = 0; at < text.length; at += limits.logLineBytesMax) {
      this.#emit(stream, text.slice(at, at + limits.logLineBytesMax));
    }
  }
}
