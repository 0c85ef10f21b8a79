import { sleep, within, type Clock, type Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

export interface PrintedLine {
  at: number;
  text: string;
  requestId?: string;
}

/**
 * What an environment prints, as lines that are told in batches. It may print without end: past limits.functionPrintBytesPerSecond it
 * waits, and past limits.functionCallPrintBytesMax what a call prints is dropped, with one line that says so.
 */
export class FunctionPrints {
  /** The call under way, or the one before. */
  requestId: string | undefined;
  #clock: Clock;
  #tell: (lines: PrintedLine[]) => void;
  #lines: PrintedLine[] = [];
  #timer: Timer | undefined;
  #callBytes = 0;
  #secondBytes = 0;
  #secondMs = 0;
  #readBytes = 0;
  #awaited: { bytes: number; done: PromiseWithResolvers<void> } | undefined;

  constructor(clock: Clock, tell: (lines: PrintedLine[]) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  began(requestId: string): void {
    this.requestId = requestId;
    this.#callBytes = 0;
  }

  /** Resolves when so much was read of its standard output, or that takes too long; undefined when it was already. */
  caughtUp(bytes: number): Promise<unknown> | undefined {
    if (this.#readBytes >= bytes) return undefined;
    const done = Promise.withResolvers<void>();
    this.#awaited = { bytes, done };
    return within(this.#clock, limits.functionPrintsWaitMs, done.promise);
  }

  /** Reads standard output to its end. */
  async read(output: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of this.#lined(output)) {
      this.#readBytes += piece.length;
      if (this.#awaited && this.#readBytes >= this.#awaited.bytes) this.#awaited.done.resolve();
      await this.#pace(piece.length);
    }
  }

  /** Reads standard error to its end. */
  async readErrors(output: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of this.#lined(output)) await this.#pace(piece.length);
  }

  /** Adds the lines of each piece, and passes it on. */
  async *#lined(output: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const piece of output) {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop()!;
      if (rest.length > limits.functionPrintLineBytesMax) {
        lines.push(rest);
        rest = "";
      }
      for (const line of lines) this.#add(line);
      yield piece;
    }
    if (rest !== "") this.#add(rest);
  }

  /** All that has come by now. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    const lines = this.#lines;
    this.#lines = [];
    for (let at = 0; at < lines.length; at += limits.functionPrintLinesMax)
      this.#tell(lines.slice(at, at + limits.functionPrintLinesMax));
  }

  #add(line: string): void {
    if (this.#callBytes > limits.functionCallPrintBytesMax) return;
    this.#callBytes += line.length + 1;
    // A runtime has put what is one event into one line.
    const text = line.slice(0, limits.functionPrintLineBytesMax).replaceAll("\r", "\n").trimEnd();
    this.#keep(text);
    if (this.#callBytes > limits.functionCallPrintBytesMax)
      this.#keep(
        `canopy: this call has printed more than ${limits.functionCallPrintBytesMax} bytes: the rest is dropped`,
      );
  }

  #keep(text: string): void {
    const { requestId } = this;
    this.#lines.push({
      at: this.#clock.now(),
      text,
      ...(requestId !== undefined && { requestId }),
    });
    if (this.#lines.length >= limits.functionPrintLinesMax) return this.flush();
    this.#timer ??= this.#clock.after(limits.functionPrintsMs, () => this.flush(), true);
  }

  async #pace(bytes: number): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#secondMs > 1000) {
      this.#secondMs = nowMs;
      this.#secondBytes = 0;
    }
    this.#secondBytes += bytes;
    if (this.#secondBytes > limits.functionPrintBytesPerSecond)
      await sleep(this.#clock, this.#secondMs + 1000 - nowMs + 1);
  }
}
