import type { TaskOffer } from "#/model/wire.ts";
import { FakeAgent, type Rig } from "#/scheduler/testing/rig.ts";

/** Pulls, runs each task for its time, reports. */
export class Worker {
  #agent: FakeAgent;
  #rig: Rig;
  #taskMs: (task: string) => number;
  #running = new Map<TaskOffer, { cancel(): void }>();
  #hasEnded = false;

  constructor(rig: Rig, name: string, taskMs: (task: string) => number) {
    this.#rig = rig;
    this.#taskMs = taskMs;
    this.#agent = new FakeAgent(rig, name, []);
    this.#agent.onOffer = () => this.#begin();
    this.#agent.session.pull(1024);
  }

  beat(): void {
    if (this.#hasEnded) return;
    this.#agent.beat([...this.#running.keys()]);
  }

  end(): void {
    this.#hasEnded = true;
    for (const timer of this.#running.values()) timer.cancel();
    this.#agent.session.close();
  }

  #begin(): void {
    if (this.#hasEnded) return;
    for (const offer of this.#agent.held) {
      if (this.#running.has(offer)) continue;
      const timer = this.#rig.clock.after(this.#taskMs(offer.task), () => {
        this.#running.delete(offer);
        if (!this.#hasEnded) void this.#agent.report(offer, this.#taskMs(offer.task));
      });
      this.#running.set(offer, timer);
    }
    this.#agent.session.pull(1024);
  }
}
