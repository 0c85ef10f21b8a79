import type { Clock, Timer } from "./clock.ts";
import { CanopyError } from "./errors.ts";

interface Waiting<Asked> {
  of: Asked;
  timer: Timer;
  resolve(content: Buffer): void;
  reject(error: CanopyError): void;
}

/** What a question is refused with, in the words of what was asked for. */
export interface Refusals {
  /** As many as may be open wait for that one. */
  full(): CanopyError;
  late(): CanopyError;
}

/** What was asked of others over their links, each by a number, and is not answered yet. */
export class Questions<Asked> {
  #waiting = new Map<number, Waiting<Asked>>();
  #number = 0;
  #clock: Clock;
  #bounds: { openMax: number; patienceMs: number };

  /** `openMax` counts for each that is asked. */
  constructor(clock: Clock, bounds: { openMax: number; patienceMs: number }) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /** What it answers. Throws what `refusals` say, and what `answered` and `left` are told. */
  async ask(of: Asked, refusals: Refusals, send: (request: number) => void): Promise<Buffer> {
    const { openMax, patienceMs } = this.#bounds;
    const open = [...this.#waiting.values()].filter((waiting) => waiting.of === of).length;
    if (open >= openMax) throw refusals.full();
    const request = ++this.#number;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const late = () => this.#settle(request)?.reject(refusals.late());
    const timer = this.#clock.after(patienceMs, late, true);
    this.#waiting.set(request, { of, timer, resolve, reject });
    try {
      send(request);
    } catch (thrown) {
      this.#settle(request);
      throw thrown;
    }
    return promise;
  }

  /** Base64, or why there is none. Only who was asked is believed. */
  answered(of: Asked, request: number, answer: string | CanopyError): void {
    if (this.#waiting.get(request)?.of !== of) return;
    const waiting = this.#settle(request)!;
    if (answer instanceof CanopyError) waiting.reject(answer);
    else waiting.resolve(Buffer.from(answer, "base64"));
  }

  /** It answers nothing any more. */
  left(of: Asked, error: CanopyError): void {
    for (const [request, waiting] of this.#waiting)
      if (waiting.of === of) this.#settle(request)!.reject(error);
  }

  #settle(request: number): Waiting<Asked> | undefined {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    waiting?.timer.cancel();
    return waiting;
  }
}
