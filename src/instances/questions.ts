import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { HostAnswer, HostQuestion } from "#/model/hosting.ts";

interface Waiting<Asked> {
  of: Asked;
  timer: Timer;
  resolve(content: Buffer): void;
  reject(error: CanopyError): void;
}

/** What was asked of machines, and is not answered yet. */
export class Questions<Asked> {
  #waiting = new Map<number, Waiting<Asked>>();
  #number = 0;
  #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws "limited" when too much is open, "timeout", "unavailable" when who was asked left, "not-found" with what it says. */
  ask(of: Asked, { type }: HostQuestion, send: (request: number) => void): Promise<Buffer> {
    if (this.#waiting.size >= limits.hostQuestionsMax)
      throw new CanopyError("limited", `Cannot ask for a ${type} as others wait for theirs`, {
        retryAfterMs: 1000,
      });
    const request = ++this.#number;
    return new Promise<Buffer>((resolve, reject) => {
      const late = () => {
        this.#waiting.delete(request);
        const { hostQuestionMs } = limits;
        const message = `Cannot get the ${type} as its machine did not answer in ${hostQuestionMs} ms`;
        reject(new CanopyError("timeout", message));
      };
      const timer = this.#clock.after(limits.hostQuestionMs, late, true);
      this.#waiting.set(request, { of, timer, resolve, reject });
      send(request);
    });
  }

  /** Only who was asked is believed. */
  answered(of: Asked, request: number, answer: HostAnswer): void {
    const waiting = this.#waiting.get(request);
    if (waiting?.of !== of) return;
    this.#waiting.delete(request);
    waiting.timer.cancel();
    if ("content" in answer) waiting.resolve(Buffer.from(answer.content, "base64"));
    else waiting.reject(new CanopyError("not-found", answer.error));
  }

  left(of: Asked): void {
    for (const [request, waiting] of this.#waiting) {
      if (waiting.of !== of) continue;
      this.#waiting.delete(request);
      waiting.timer.cancel();
      waiting.reject(new CanopyError("unavailable", "the machine is not connected any more"));
    }
  }
}
