import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Chance } from "#/base/testing/chance.ts";
import { unfinishedTasks } from "#/model/step.ts";
import type { TaskOffer } from "#/model/wire.ts";
import { Rig, type FakeAgent } from "./testing/rig.ts";

/** Agents that report, die and come back by chance, over gangs and single tasks; what is true at every moment is checked from outside. */
class Field {
  rig: Rig;
  readonly chance: Chance;
  readonly #cpus = new Map<string, number>();
  readonly #agents = new Map<string, FakeAgent>();
  /** Said, and not acknowledged. */
  readonly #unheard = new Map<string, Set<TaskOffer>>();
  readonly #gangs = new Map<string, number | undefined>();
  readonly #begun = new Set<string>();
  #steps = 0;

  constructor(rig: Rig, chance: Chance) {
    this.rig = rig;
    this.chance = chance;
    for (let at = chance.whole(2, 5); at > 0; at--) {
      const name = `m${at}`;
      this.#cpus.set(name, chance.whole(1, 4));
      rig.machine(name, { cpus: this.#cpus.get(name)! });
      this.#unheard.set(name, new Set());
      this.#connect(name, []);
    }
  }

  get #places(): number {
    return [...this.#cpus.values()].reduce((sum, cpus) => sum + cpus, 0);
  }

  #connect(name: string, held: TaskOffer[]): void {
    const unheard = [...this.#unheard.get(name)!];
    const agent = this.rig.agent(
      name,
      [...held, ...unheard].map(({ task, fence }) => [task, fence]),
    );
    this.#agents.set(name, agent);
    const cancelled = new Set(agent.cancels.map(([task, fence]) => `${task} ${fence}`));
    agent.held = held.filter(({ task, fence }) => !cancelled.has(`${task} ${fence}`));
    agent.onOffer = () => agent.session.pull(1024);
    agent.session.pull(1024);
    for (const offer of unheard) this.#report(name, offer);
  }

  #report(name: string, offer: TaskOffer): void {
    const unheard = this.#unheard.get(name)!;
    unheard.add(offer);
    void this.#agents
      .get(name)!
      .report(offer, 1000)
      .then(() => unheard.delete(offer));
  }

  addStep(): void {
    const name = `j${++this.#steps}/0`;
    const isGang = this.chance.fraction() < 0.6;
    const size = this.chance.whole(1, isGang ? this.#places : 6);
    const minimum = this.chance.fraction() < 0.4 ? this.chance.whole(1, size) : undefined;
    if (isGang) this.#gangs.set(name, minimum);
    const gang = minimum === undefined ? {} : { minimum };
    const priority = this.chance.whole(0, 1);
    const template = { retries: 100 };
    this.rig.step(name, size, { priority, template, ...(isGang && { spec: { gang } }) });
  }

  async happen(): Promise<void> {
    const { chance, rig } = this;
    const name = chance.pick([...this.#agents.keys()]);
    const agent = this.#agents.get(name)!;
    const what = chance.whole(0, 20);
    const some = agent.held.filter(() => chance.fraction() < 0.5);
    if (what < 10) for (const offer of some) this.#report(name, offer);
    else if (what < 13) this.addStep();
    else if (what === 13 && some.length > 0) void agent.fail("by chance", some.slice(0, 1));
    else if (what === 14) {
      agent.held = agent.held.filter((offer) => !some.includes(offer));
      agent.session.release(some.map(({ task, fence }) => [task, fence]));
    } else if (what === 15) {
      agent.session.close();
      this.#unheard.set(name, new Set());
      this.#connect(name, []);
    } else if (what === 16) {
      const before = new Map([...this.#agents].map(([of, { held }]) => [of, held]));
      this.rig = await rig.restart();
      for (const [of, held] of before)
        if (chance.fraction() < 0.8) this.#connect(of, held);
        else {
          this.#unheard.set(of, new Set());
          this.#connect(of, []);
        }
    } else if (what === 17) this.#try(name, chance.fraction() < 0.5);
    else if (what === 18) agent.session.pull(chance.fraction() < 0.5 ? 0 : 1024);
    else await this.pass(chance.whole(0, 3000));
    await this.pass(0);
  }

  /** Puts a machine on trial, or trusts it again. */
  #try(name: string, isOnTrial: boolean): void {
    this.rig.commit((tx) => {
      const { spec, ...machine } = tx.get("machine", name)!;
      const { standing: _, ...trusted } = spec;
      const standing = { phase: "slowed", since: 0, reason: "by chance", times: 0 } as const;
      tx.put<"machine">({ ...machine, spec: isOnTrial ? { ...trusted, standing } : trusted });
    });
  }

  async pass(ms: number): Promise<void> {
    for (const agent of this.#agents.values()) agent.beat(agent.held);
    await this.rig.clock.advance(ms);
  }

  check(): void {
    for (const [name, agent] of this.#agents)
      assert.ok(agent.held.length <= this.#cpus.get(name)!, `${name} holds ${agent.held.length}`);
    for (const [name, minimum = Infinity] of this.#gangs) {
      const step = this.rig.stepRecord(name);
      const quorum = Math.min(minimum, unfinishedTasks(step));
      const { length } = this.rig.scheduler.leases(name.slice(0, name.indexOf("/")));
      const hasBegun = minimum < Infinity && this.#begun.has(name); // some may have succeeded since
      assert.ok(
        length === 0 || hasBegun || length >= quorum,
        `${length} of ${name}, whose quorum is ${quorum}`,
      );
      if (length === 0) this.#begun.delete(name);
      else this.#begun.add(name);
    }
  }

  get unfinished(): number {
    let sum = 0;
    for (const step of this.rig.space.all("step")) sum += unfinishedTasks(step);
    return sum;
  }

  /** Everything that runs succeeds, until nothing is left. */
  async drain(): Promise<void> {
    for (const [name, { session }] of this.#agents) {
      this.#try(name, false);
      session.pull(1024);
    }
    for (let turn = 0; this.unfinished > 0; turn++) {
      if (turn > 500) {
        const why = [...this.#gangs.keys()].flatMap((name) =>
          this.rig.scheduler.explainJob(name.slice(0, -2)).map(({ sentence }) => sentence),
        );
        assert.fail(`${this.unfinished} tasks never ran: ${why.join("; ")}`);
      }
      for (const [name, { held }] of this.#agents)
        for (const offer of held) this.#report(name, offer);
      await this.pass(1000);
      this.check();
    }
  }
}

describe("gangs", () => {
  test("are under way as a whole or not at all, whatever happens, and all of them run in the end", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const field = new Field(await Rig.open(), new Chance(seed));
        for (let event = 0; event < 40; event++) {
          await field.happen();
          field.check();
        }
        await field.drain();
        field.rig.scheduler.stop();
      }),
      { numRuns: 150 },
    );
  });
});
