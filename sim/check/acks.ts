import type { Link } from "#/base/network.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { FromAgent, FromCloud, TaskClaim } from "#/model/wire.ts";
import type { World } from "../world/world.ts";
import type { Life } from "../world/life.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

/** What refuses a report says so in its next turn. */
const turnMs = 1;
/** One of several control planes says nothing while it is not sure to lead, and looks again several times in this. */
const sureMs = 250;

/**
 * Listens to what a control plane says to agents: a report that it acknowledges is on disk, or its
 * agent is told that it was refused.
 */
export class Acks {
  #world: World;
  #ledger: Ledger;

  constructor(world: World, ledger: Ledger) {
    this.#world = world;
    this.#ledger = ledger;
  }

  /** `isSure` tells of one of several control planes whether it is sure to lead. */
  watch(link: Link, life: Life, isSure?: () => boolean): Link {
    const reported = new Map<number, TaskClaim[]>();
    const cancelled = new Set<number>();
    let isOpen = true;
    const said = (text: string) => {
      if (text.startsWith(`{"type":"cancel"`)) {
        const { tasks } = JSON.parse(text) as Extract<FromCloud, { type: "cancel" }>;
        for (const [, fence] of tasks) cancelled.add(fence);
      } else if (text.startsWith(`{"type":"finished"`)) {
        const { number } = JSON.parse(text) as Extract<FromCloud, { type: "finished" }>;
        const waiting = (reported.get(number) ?? []).filter((claim) => !this.#isDurable(claim));
        reported.delete(number);
        if (waiting.length === 0) return;
        const lookIn = (delayMs: number) => {
          const wasSure = isSure?.() ?? true;
          this.#world.after(delayMs, life, "acknowledged", () => {
            if (!isOpen) return; // it may be told so on the next one
            const lost = waiting.find(([, fence]) => !cancelled.has(fence));
            if (!lost) return;
            if (!wasSure || isSure?.() === false) return lookIn(delayMs);
            throw new Violation(`a report on ${lost[0]} was acknowledged before it was on disk`);
          });
        };
        lookIn(isSure ? sureMs : turnMs);
      }
    };
    const heard = (text: string) => {
      if (!text.startsWith(`{"type":"finish"`)) return;
      const { number, reports } = JSON.parse(text) as Extract<FromAgent, { type: "finish" }>;
      reported.set(
        number,
        reports.map(({ task, fence }) => [task, fence]),
      );
    };
    return {
      send(text) {
        said(text);
        link.send(text);
      },
      bufferedBytes: () => link.bufferedBytes(),
      close(reason) {
        isOpen = false;
        link.close(reason);
      },
      get onMessage() {
        return link.onMessage;
      },
      set onMessage(handler) {
        link.onMessage = (text) => {
          heard(text);
          handler(text);
        };
      },
      get onClose() {
        return link.onClose;
      },
      set onClose(handler) {
        link.onClose = (reason) => {
          isOpen = false;
          handler(reason);
        };
      },
    };
  }

  #isDurable([task, fence]: TaskClaim): boolean {
    const record = this.#ledger.record<TaskRecord>("task", task);
    if (!record) return true;
    const { phase, fence: over = 0, copies = [] } = record.status;
    const isOver = over >= fence || copies.some((copy) => copy.fence === fence && copy.isOver);
    return isOver || (phase !== "ready" && phase !== "waiting");
  }
}
