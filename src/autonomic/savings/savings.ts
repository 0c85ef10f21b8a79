import type { Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { DecisionAction } from "#/model/decision.ts";
import { autonomicPolicyName, policyOf, type Autonomy } from "#/model/policy.ts";
import { isDoable, type DoableSavingRule, type Saving } from "#/model/saving.ts";
import type { Space } from "#/space/space.ts";
import { decide } from "../decide.ts";
import { leaveFor } from "../levels.ts";
import { propose, proposalFor, withdrawProposal } from "../proposals.ts";
import { plannedSaving } from "./plan.ts";

export interface SavingParts {
  space: Space;
  clock: Clock;
  random: Random;
  log: Log;
  /** What a project could save now. */
  find(project: string): Saving[];
  /** Does the next thing about it, and says what that was; undefined while it waits for what it did before. Throws AwsError. */
  act(saving: DoableSaving): string | undefined;
}

export type DoableSaving = Saving & { rule: DoableSavingRule };

/** What would be done, and what it is called among decisions. */
const acts: Record<DoableSavingRule, { would: string; action: DecisionAction }> = {
  "unattached-volume": { would: "would keep a snapshot of it, and delete it", action: "release" },
  "stale-snapshot": { would: "would delete it", action: "release" },
  "orphaned-image-data": { would: "would remove it", action: "release" },
  "forgotten-request": { would: "would cancel it", action: "release" },
  "idle-instance": { would: "would stop it", action: "release" },
};

/** How far a policy lets Canopy go about something. What it does not name is found in the list of savings, and left to people. */
export function savingLevel(
  space: Pick<Space, "get">,
  project: string,
  rule: DoableSavingRule,
): Autonomy {
  const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
  return policy?.savings?.[rule] ?? "manual";
}

/**
 * Ends what costs money and serves nobody, as far as the project's policy lets it: says it, proposes it as a plan, or does it. What was
 * approved is done by the same way, so that a volume whose snapshot takes an hour is deleted after that.
 */
export function startSavings(parts: SavingParts): Loop {
  const { space, clock, log } = parts;
  const savings = new Savings(parts);
  const everyMs = limits.savingsLookMs;
  const loop = startLoop("savings", () => savings.turn(), { clock, log, everyMs });
  const unsubscribe = space.onApplied((changes) => {
    if (changes.some(({ record }) => record.kind === "plan" && record.spec.saving)) loop.wake();
  });
  return {
    wake: () => loop.wake(),
    stop() {
      unsubscribe();
      loop.stop();
    },
  };
}

export class Savings {
  #parts: SavingParts;
  /** What was said of a subject last. */
  #said = new Map<string, string>();

  constructor(parts: SavingParts) {
    this.#parts = parts;
  }

  /** Looks once. */
  turn(): void {
    const { space, log } = this.#parts;
    for (const { name: project } of space.all("project")) {
      try {
        this.#tend(project);
      } catch (thrown) {
        if (!(thrown instanceof CanopyError)) throw thrown; // the disk is full: it is looked again
        log.warn(`savings of the project ${project} wait`, { error: messageOf(thrown) });
      }
    }
  }

  #tend(project: string): void {
    const { space } = this.#parts;
    const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
    const proposed = [...space.all("plan")].filter(
      (plan) => plan.project === project && plan.spec.saving,
    );
    if (!policy?.savings && proposed.length === 0) return;
    const found = this.#parts
      .find(project)
      .filter((one): one is DoableSaving => isDoable(one.rule));
    for (const saving of found) this.#look(project, saving);
    const subjects = new Set(found.map(({ subject }) => subject));
    for (const plan of proposed) {
      const { subject } = plan.spec.saving!;
      const { phase } = plan.status;
      if (subjects.has(subject)) continue;
      // Who approved it has not said what is to be done when it is so another time.
      if (phase === "approved") space.commit((tx) => void tx.archive<"plan">(plan));
      if (phase === "proposed")
        space.commit((tx) => withdrawProposal(tx, { project, saving: subject }, this.#parts));
    }
  }

  #look(project: string, saving: DoableSaving): void {
    const { space } = this.#parts;
    const { rule, subject, sentence } = saving;
    const level = savingLevel(space, project, rule);
    const approved = proposalFor(space, { project, saving: subject });
    const isApproved = approved?.status.phase === "approved" && approved.spec.saving!.rule === rule;
    if (isApproved)
      return this.#act(
        project,
        saving,
        `the plan ${approved.name} says so, which ${approved.status.decidedBy} approved`,
      );
    const { would } = acts[rule];
    const action = `savings.${rule}` as const;
    const leave = leaveFor(level, {
      action,
      would,
      sees: sentence,
      policy: "the project's policy",
    });
    if (leave.isDone) return this.#act(project, saving, `savings.${rule} is 'act' in the policy`);
    if (leave.isProposed) return this.#propose(project, saving, leave.says!);
    if (leave.says && this.#isNew(subject, level))
      this.#say(project, saving, { action: "hold", ...leave.says, why: [sentence] });
  }

  #act(project: string, saving: DoableSaving, leave: string): void {
    const { subject, rule, sentence } = saving;
    try {
      const did = this.#parts.act(saving);
      if (did === undefined) return;
      const flip = "with the tag canopy:keep it would have been left alone";
      const { action } = acts[rule];
      this.#say(project, saving, { action, what: did, why: [sentence, leave], flip });
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      const what = `could not end it: ${thrown.message}`;
      if (this.#isNew(subject, what))
        this.#say(project, saving, { action: "hold", what, why: [sentence, leave] });
    }
  }

  #propose(project: string, saving: DoableSaving, says: { what: string; flip: string }): void {
    const { space } = this.#parts;
    const { subject, sentence } = saving;
    space.commit((tx) => {
      const plan = propose(tx, { project, saving: subject }, plannedSaving(saving), this.#parts);
      if (plan === undefined) return;
      decide(
        tx,
        { project, name: subject },
        {
          at: this.#parts.clock.now(),
          action: "hold",
          what: `${says.what}: the plan ${plan} waits for canopy approve`,
          why: [sentence],
          flip: says.flip,
        },
      );
    });
  }

  #say(
    project: string,
    { subject }: Saving,
    decision: { action: DecisionAction; what: string; why: readonly string[]; flip?: string },
  ): void {
    const { space, clock } = this.#parts;
    space.commit(
      (tx) => void decide(tx, { project, name: subject }, { at: clock.now(), ...decision }),
    );
  }

  #isNew(subject: string, said: string): boolean {
    const isNew = this.#said.get(subject) !== said;
    this.#said.set(subject, said);
    return isNew;
  }
}
