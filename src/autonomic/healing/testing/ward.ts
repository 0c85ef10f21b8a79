import { silent } from "#/base/log.ts";
import { autonomicPolicyName, type Autonomy } from "#/model/policy.ts";
import type { TaskOffer } from "#/model/wire.ts";
import { FakeAgent, Rig } from "#/scheduler/testing/rig.ts";
import { decisionsAbout } from "../../decide.ts";
import { Knowledge } from "../../knowledge/follow.ts";
import { startHealing } from "../healing.ts";

/** How an attempt ends, and after how long; Infinity for one that hangs. */
export interface Fate {
  readonly ms: number;
  readonly fails?: boolean;
}
export type FateOf = (offer: TaskOffer, machine: string) => Fate;

const beatMs = 500;

/** A scheduler and the loop that heals over a space in memory, with machines whose tasks end as they are told to. */
export class Ward {
  readonly rig: Rig;
  readonly fateOf: FateOf;
  readonly workers = new Map<string, Worker>();
  #knowledge: Knowledge;
  #loop: { stop(): void };

  static async open(fateOf: FateOf): Promise<Ward> {
    return new Ward(await Rig.open(), fateOf);
  }

  private constructor(rig: Rig, fateOf: FateOf) {
    this.rig = rig;
    this.fateOf = fateOf;
    const { space, clock, scheduler } = rig;
    this.#knowledge = new Knowledge(space);
    this.#knowledge.start({ clock, log: silent });
    this.#loop = startHealing({
      space,
      clock,
      log: silent,
      field: scheduler,
      knowledge: this.#knowledge,
    });
  }

  machine(name: string, cpus = 1): void {
    this.rig.machine(name, { cpus });
    this.workers.set(name, new Worker(this, name));
  }

  /** Its agent ended and is back, and has forgotten what it ran. */
  rejoin(name: string): void {
    this.workers.get(name)!.end();
    this.workers.set(name, new Worker(this, name));
  }

  /** How far Canopy may heal by itself what is the project's. */
  heals(heal: Autonomy): void {
    this.rig.commit((tx) =>
      tx.put<"policy">({
        kind: "policy",
        project: "p",
        name: autonomicPolicyName("p"),
        spec: {
          type: "autonomic",
          timeZone: "UTC",
          autonomy: { buy: "act", release: "act", heal },
        },
        status: {},
      }),
    );
  }

  async pass(forMs: number): Promise<void> {
    for (let passedMs = 0; passedMs < forMs; passedMs += beatMs) {
      await this.rig.clock.advance(Math.min(beatMs, forMs - passedMs));
      for (const worker of this.workers.values()) worker.beat();
    }
    await this.rig.clock.advance(0);
  }

  /** In the order in which they were made. */
  async decisions(about: string) {
    const found = decisionsAbout(this.rig.space, about, 1000);
    await this.rig.clock.advance(0);
    return (await found).map(({ spec }) => spec).reverse();
  }

  stop(): void {
    this.#loop.stop();
    this.#knowledge.stop();
    this.rig.scheduler.stop();
  }
}

/** Runs what it is given, all at once, and forgets what is cancelled. */
class Worker {
  readonly agent: FakeAgent;
  #ward: Ward;
  #begun = new Map<TaskOffer, number>();

  constructor(ward: Ward, name: string) {
    this.#ward = ward;
    this.agent = new FakeAgent(ward.rig, name, []);
    this.agent.onOffer = () => this.#begin();
    this.agent.session.pull(1024);
  }

  beat(): void {
    const { clock } = this.#ward.rig;
    const running = this.agent.held.map(({ task, fence }, at) => ({
      task,
      fence,
      sinceMs: clock.monotonicMs() - (this.#begun.get(this.agent.held[at]!) ?? clock.monotonicMs()),
    }));
    this.agent.session.beat({ cpuShare: 0, memoryFreeBytes: 0, running });
  }

  end(): void {
    this.agent.held = [];
    this.agent.onOffer = () => {};
  }

  #begin(): void {
    const { clock } = this.#ward.rig;
    for (const offer of this.agent.held) {
      if (this.#begun.has(offer)) continue;
      this.#begun.set(offer, clock.monotonicMs());
      const { ms, fails } = this.#ward.fateOf(offer, this.agent.name);
      if (ms !== Infinity) clock.after(ms, () => void this.#end(offer, ms, fails === true));
    }
    this.agent.session.pull(1024);
  }

  async #end(offer: TaskOffer, ms: number, fails: boolean): Promise<void> {
    if (!this.agent.held.includes(offer)) return;
    const error = { reason: "threw", message: "no" } as const;
    await this.agent.finish([offer], fails ? { error } : {}, ms);
    this.agent.session.pull(1024);
  }
}
