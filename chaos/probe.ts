import { setTimeout as sleep } from "node:timers/promises";
import type { Door } from "./door.ts";
import type { History } from "./history.ts";

const restMs = 20;
const timeoutMs = 1000;
const path = "/v1/projects/probe";

/** One small write after the other, all the time: when they are acknowledged is when the cloud is there. */
export class Probe {
  /** Acknowledged ones, by `performance.now()`. */
  readonly writes: { calledAt: number; answeredAt: number }[] = [];
  #beganMs = 0;
  #newest = "probe";
  /** Any of these may have been carried out, or may be yet. */
  #unanswered = new Set<string>();

  async run(door: Door, history: History): Promise<void> {
    await door.must("POST", "/v1/projects", { body: { name: "probe" }, idempotencyKey: "probe" });
    this.#beganMs = performance.now();
    for (let count = 1; !door.isOver; count++) {
      const calledAt = performance.now();
      const body = { title: `${count}` };
      const answer = await door.ask("PATCH", path, { body, timeoutMs });
      if (answer?.status === 200) {
        this.writes.push({ calledAt, answeredAt: performance.now() });
        history.acknowledged += 1;
        this.#newest = body.title;
      } else if (!answer) this.#unanswered.add(body.title);
      else history.violate(`a probe was refused: ${answer.status}`);
      await sleep(restMs);
    }
  }

  /** Each acknowledged write has made one revision, and the newest is there unless one without an answer came after it. */
  async check(door: Door, history: History): Promise<void> {
    const { status, body, etag } = await door.persist<{ title: string }>("GET", path);
    const revision = Number(etag?.replaceAll('"', ""));
    const least = 1 + this.writes.length;
    const isThere = body.title === this.#newest || this.#unanswered.has(body.title);
    if (status === 200 && isThere && revision >= least && revision <= least + this.#unanswered.size)
      return;
    history.violate(
      `the probe is ${status}, revision ${revision}, '${body.title}' after ${this.writes.length} acknowledged writes, the newest '${this.#newest}', and ${this.#unanswered.size} without an answer`,
    );
  }

  /** The longest time without an acknowledged write. */
  get longestGap(): { fromMs: number; toMs: number } {
    let longest = { fromMs: 0, toMs: 0 };
    let fromMs = this.#beganMs;
    for (const { answeredAt: toMs } of this.writes) {
      if (toMs - fromMs > longest.toMs - longest.fromMs) longest = { fromMs, toMs };
      fromMs = toMs;
    }
    return longest;
  }

  /** From `atMs` until a write is acknowledged that was asked for since; undefined when none was. */
  recoveryMs(atMs: number): number | undefined {
    const next = this.writes.find(({ calledAt }) => calledAt >= atMs);
    return next && next.answeredAt - atMs;
  }
}
