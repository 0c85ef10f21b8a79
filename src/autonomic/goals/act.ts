import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { PlanSpec } from "#/model/plan.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import type { Action } from "../keep.ts";
import { leaveFor, type Wish } from "../levels.ts";
import { propose, withdrawProposal, type Asker } from "../proposals.ts";
import type { SitePool } from "../pool.ts";
import {
  purchase,
  wishedFor,
  type Purchase,
  type PurchaseParts,
  type Reasons,
} from "../purchase.ts";
import { drainMachine } from "../release.ts";
import type { Rules } from "../rules.ts";
import type { Memory } from "./memory.ts";

export interface ActParts {
  space: Space;
  clock: Clock;
  random: Random;
  sites: Pick<SitePool, "offers">;
}

/** What a proposal changes of a job that runs. */
type Change = Pick<PlanSpec, "considered" | "predicted" | "bound"> &
  Partial<Pick<PlanSpec, "release" | "order" | "asked">>;

type Of<Type extends Action["type"]> = Extract<Action, { type: Type }>;

/** Does what the policy lets Canopy do by itself for a job's goal, and says what it does not let it do. */
export function act(
  parts: ActParts,
  name: string,
  action: Action,
  rules: Rules,
  memory: Memory,
): void {
  const acts = new Acts(parts, name, rules, memory);
  if (action.type !== "miss") memory.missedSinceMs = undefined;
  switch (action.type) {
    case "none":
      return memory.forget("goal");
    case "wait":
      return acts.wait(action);
    case "exchange":
      return acts.exchange(action);
    case "drain":
      return acts.drain(action);
    default:
      return acts.buy(action);
  }
}

/** Of one job, at one look. */
class Acts {
  #parts: ActParts;
  #name: string;
  #rules: Rules;
  #memory: Memory;

  constructor(parts: ActParts, name: string, rules: Rules, memory: Memory) {
    this.#parts = parts;
    this.#name = name;
    this.#rules = rules;
    this.#memory = memory;
  }

  /** What keeps the deadline, or what is fastest when nothing does. */
  buy(action: Of<"buy" | "miss">): void {
    const { parts, why, flip, proposal } = action;
    const isMiss = action.type === "miss";
    if (isMiss && parts.length === 0 && !this.#isLasting()) return;
    const sees = "needs more than is there";
    const level = this.#rules.level("buy");
    const leave = leaveFor(level, { action: "buy", would: wouldOrder(parts), sees });
    const isNew = this.#memory.isNew("goal", `${action.type} ${level} ${isMiss ? why.at(1) : ""}`);
    const isBought = leave.isDone && parts.length > 0;
    if (!isBought) this.#rest();
    if (isMiss && isNew)
      this.#commit((tx, job) => {
        const what = "will not keep the deadline";
        decide(tx, job, { at: this.#now(), action: "warn", what, why, flip: action.flip });
      });
    const considered = proposal && { considered: proposal.considered };
    if (isBought)
      return this.#order(parts, { why, ...(flip !== undefined && { flip }), ...considered });
    if (leave.isProposed && proposal) return this.#propose(proposal, leave.says!, why, isNew);
    if (isNew && leave.says) this.#say(leave.says, why);
  }

  /** Orders cheaper machines; those in whose place they come are given back once the others have. */
  exchange({ parts, why, flip, proposal }: Of<"exchange">): void {
    this.#memory.exchangesFromMs = this.#parts.clock.monotonicMs() + limits.exchangeRestMs;
    const level = this.#rules.level("buy");
    const wish: Wish = { action: "buy", would: wouldOrder(parts), sees: "could be cheaper" };
    const leave = leaveFor(level, wish);
    const offers = parts.map(({ site, offer }) => `${site} ${offer}`).join();
    const isNew = this.#memory.isNew("exchange", `${level} ${offers}`);
    if (leave.isDone) {
      this.#memory.forget("exchange");
      return this.#order(parts, { why, flip, considered: proposal.considered });
    }
    if (leave.isProposed) return this.#propose(proposal, leave.says!, why, isNew);
    if (isNew && leave.says) this.#say(leave.says, why);
  }

  /** Takes a machine out of use; it is given back when what it runs has ended. */
  drain({ machine, why, rest }: Of<"drain">): void {
    const level = this.#rules.level("release");
    const leave = leaveFor(level, {
      action: "release",
      would: `would do without ${machine}`,
      sees: "has more than it needs",
    });
    const isNew = this.#memory.isNew("goal", `drain ${machine} ${level}`);
    if (leave.isDone)
      return this.#commit((tx, job) => {
        withdrawProposal(tx, askerOf(job), this.#parts);
        drainMachine(tx, job, { machine, why }, this.#now());
      });
    const { predicted, bound } = rest;
    const change = { considered: [], predicted, bound, release: { machine, why } };
    if (leave.isProposed) return this.#propose(change, leave.says!, why, isNew, machine);
    if (isNew && leave.says) this.#say(leave.says, why, machine);
  }

  /** Orders nothing yet, says so once, and thinks about it again soon. */
  wait({ why, flip }: Of<"wait">): void {
    this.#rest();
    if (this.#memory.isNew("goal", "wait"))
      this.#say({ what: "waits for spot machines", flip }, why);
  }

  #order(parts: readonly Purchase[], reasons: Reasons): void {
    const { sites, clock, random } = this.#parts;
    const to: PurchaseParts = { offers: sites.offers(), clock, random };
    this.#commit((tx, job) => {
      // by a policy that wanted it approved it may wait still, and would be done twice
      withdrawProposal(tx, askerOf(job), this.#parts);
      for (const part of parts) purchase(tx, job, part, reasons, to);
    });
  }

  /** What is proposed already is not said again. */
  #propose(
    change: Change,
    { what, flip }: { what: string; flip: string },
    why: readonly string[],
    isNew: boolean,
    subject?: string,
  ): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (!isNew && nowMs < this.#memory.proposesFromMs) return;
    this.#memory.proposesFromMs = nowMs + limits.goalRestMs;
    const about = subject === undefined ? {} : { subject };
    this.#commit((tx, job) => {
      const { goal, title } = job.spec;
      const { space } = this.#parts;
      const work = change.release ? [] : (space.get("plan", goal!.plan)?.spec.work ?? []);
      const spec = { title, goal: { objective: goal!.objective }, work, chainMs: 0, ...change };
      const plan = propose(tx, askerOf(job), spec, this.#parts);
      if (plan === undefined) return;
      const waits = `${what}: the plan ${plan} waits for canopy approve`;
      decide(tx, job, { at: this.#now(), action: "hold", what: waits, why, flip, ...about });
    });
  }

  #say(
    { what, flip }: { what: string; flip: string },
    why: readonly string[],
    subject?: string,
  ): void {
    const about = subject === undefined ? {} : { subject };
    this.#commit((tx, job) =>
      decide(tx, job, { at: this.#now(), action: "hold", what, why, flip, ...about }),
    );
  }

  /** Whether nothing could keep the job's deadline for a while: what sites offer is known a little late. */
  #isLasting(): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const sinceMs = (this.#memory.missedSinceMs ??= nowMs);
    return nowMs - sinceMs >= limits.siteLookMs + limits.goalLookMs;
  }

  #rest(): void {
    this.#memory.restsUntilMs = this.#parts.clock.monotonicMs() + limits.goalRestMs;
  }

  #now(): number {
    return this.#parts.clock.now();
  }

  #commit(action: (tx: Transaction, job: JobRecord) => void): void {
    this.#parts.space.commit((tx) => {
      const job = tx.get("job", this.#name);
      if (job && !hasJobEnded(job)) action(tx, job);
    });
  }
}

function askerOf({ project, name }: JobRecord): Asker {
  return { project, job: name };
}

function wouldOrder(parts: readonly Purchase[]): string | undefined {
  return parts.length === 0 ? undefined : `would order ${wishedFor(parts)}`;
}
