import { defaultProject } from "#/access/access.ts";
import { limits } from "#/base/limits.ts";
import type { DecisionAction } from "#/model/decision.ts";
import type { MachineRecord, MachineStanding } from "#/model/machine.ts";
import { hasOrderEnded } from "#/model/order.ts";
import { briefDuration } from "#/model/units.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import { giveBack } from "../orders.ts";
import { machineTypeOf } from "../knowledge/sorts.ts";
import type { HealingParts } from "./healing.ts";
import { leaveFor } from "../levels.ts";
import { healLevel } from "./level.ts";
import type { Charge, Judgement, MachineHealth } from "./machine-health.ts";

/** What is to become of a machine. */
interface Turn {
  readonly action: DecisionAction;
  readonly what: string;
  readonly why: readonly string[];
  readonly flip: string;
  readonly change: (tx: Transaction, machine: MachineRecord) => void;
  /** It takes back what Canopy did: that is done however little the policy lets it do now. */
  readonly isLift?: true;
}

/**
 * Machines that misbehave are put on trial, one task at a time. What does well there is trusted again; what does
 * not is isolated, and tried again after a while, each time after twice as long; one that was bought is
 * given back instead. How far a machine is trusted is in its record; what is held against it is not,
 * and is seen anew after a failover.
 */
export class Machines {
  #parts: HealingParts;
  #health: MachineHealth;
  #losses = new Map<string, number>();
  /** What was said of a machine and not done. */
  #said = new Map<string, string>();

  constructor(parts: HealingParts, health: MachineHealth) {
    this.#parts = parts;
    this.#health = health;
  }

  look(): void {
    const { space, clock, field } = this.#parts;
    this.#health.pass(clock.monotonicMs(), clock.now());
    const present: MachineRecord[] = [];
    const views = field.machines();
    this.#keep(new Set(views.map(({ machine }) => machine)));
    for (const { machine, connected, losses } of views) {
      const record = space.get("machine", machine);
      if (!record) continue;
      this.#countLosses(record, losses);
      if (connected || record.spec.standing) present.push(record);
    }
    const types = new Map(present.map((record) => [record.name, machineTypeOf(record)]));
    const judge = this.#health.judge(types);
    for (const record of present) {
      const turn = this.#turnOf(record, judge, present);
      if (turn) this.#take(record, turn);
      else this.#said.delete(record.name);
    }
  }

  /** Forgets all machines but these. */
  #keep(machines: ReadonlySet<string>): void {
    this.#health.keep(machines);
    for (const known of [this.#losses, this.#said])
      for (const name of known.keys()) if (!machines.has(name)) known.delete(name);
  }

  /** Losses that a game day made are not held against it. */
  #countLosses({ name }: MachineRecord, losses: number): void {
    const { space, clock } = this.#parts;
    const more = losses - (this.#losses.get(name) ?? 0);
    this.#losses.set(name, losses);
    if (more <= 0) return;
    for (const { spec, status } of space.all("hit"))
      if (spec.machine === name && status.phase === "open") return;
    this.#health.lost(name, more, clock.monotonicMs());
  }

  #turnOf(
    record: MachineRecord,
    judge: Judgement,
    present: readonly MachineRecord[],
  ): Turn | undefined {
    const { name, spec } = record;
    const { standing } = spec;
    const now = this.#parts.clock.now();
    if (standing?.phase === "isolated")
      return now >= (standing.until ?? 0) ? tryAgain(standing, now) : undefined;
    if (spec.cordoned) return undefined;
    const tasksMin = standing ? limits.trialTasks : limits.slowMachineTasksMin;
    const charge = judge(name, tasksMin);
    if (standing) {
      if (charge) return this.#condemn(record, charge, standing);
      if (this.#health.good(name) >= limits.trialTasks) return readmit(standing);
      return undefined;
    }
    return charge && this.#mistrust(record, charge, present);
  }

  #mistrust(
    { name }: MachineRecord,
    { reason }: Charge,
    present: readonly MachineRecord[],
  ): Turn | undefined {
    const { space, clock } = this.#parts;
    const now = clock.now();
    // as it is now: others may have been put on trial in this very look
    const isMistrusted = (known: string) =>
      space.get("machine", known)?.spec.standing !== undefined;
    const mistrusted = present.filter((one) => isMistrusted(one.name)).length;
    const mistrustedMax = Math.max(1, Math.floor(present.length * limits.mistrustedShareMax));
    if (mistrusted >= mistrustedMax)
      return {
        action: "warn",
        what: `left ${name} as it is although it misbehaves`,
        why: [reason, `${mistrusted} of ${present.length} machines are mistrusted already`],
        flip: `canopy machines cordon ${name}`,
        change: () => {},
      };
    return {
      action: "slow",
      what: `put ${name} on trial: one task at a time`,
      why: [reason],
      flip: `after ${limits.trialTasks} tasks that end well it is trusted again; at once by canopy machines uncordon ${name}`,
      change: (tx, machine) =>
        stand(tx, machine, { phase: "slowed", since: now, reason, times: 0 }),
    };
  }

  /** It did no better on trial. */
  #condemn({ name, spec }: MachineRecord, { reason }: Charge, { times }: MachineStanding): Turn {
    const { space, clock } = this.#parts;
    const now = clock.now();
    const order = spec.order === undefined ? undefined : space.get("order", spec.order);
    if (order && !hasOrderEnded(order))
      return {
        action: "release",
        what: `gave ${name} back, as it misbehaves`,
        why: [`on trial, one task at a time, ${reason}`],
        flip: "what needs a machine still is bought another one",
        change: (tx) => giveBack(tx, order.name, `it misbehaved: ${reason}`, now),
      };
    const forMs = Math.min(limits.isolatedMs * 2 ** times, limits.isolatedMsMax);
    const standing = { phase: "isolated", since: now, reason, until: now + forMs } as const;
    return {
      action: "isolate",
      what: `isolated ${name} for ${briefDuration(forMs)}`,
      why: [`on trial, one task at a time, ${reason}`],
      flip: `at once by canopy machines uncordon ${name}`,
      change: (tx, machine) => stand(tx, machine, { ...standing, times: times + 1 }),
    };
  }

  /** Does what the policy lets Canopy do, and says what it does not let it do. */
  #take(record: MachineRecord, { action, what, why, flip, change, isLift }: Turn): void {
    const { space, clock, log } = this.#parts;
    const { name, project } = record;
    const level = healLevel(space, record.spec.reservedForProject ?? payerOf(record, space));
    const sees = `sees that ${name} misbehaves`;
    const would = `did not, but would have: ${what}`;
    const leave = leaveFor(level, { action: "heal", would, sees, policy: "the policy" });
    const isDone = leave.isDone || isLift === true;
    if (!isDone && !leave.says) return;
    if ((!isDone || action === "warn") && this.#said.get(name) === action) return;
    this.#said.set(name, action);
    const at = clock.now();
    space.commit((tx) => {
      const machine = tx.get("machine", name);
      if (!machine) return;
      if (isDone) {
        change(tx, machine);
        decide(tx, { project, name }, { at, action, what, why, flip });
        return;
      }
      if (leave.says) decide(tx, { project, name }, { at, action: "hold", why, ...leave.says });
    });
    if (!isDone) return;
    if (action !== "warn") this.#health.forget(name, at);
    log.warn(`healing: Canopy ${what}`, { why: why.join("; ") });
  }
}

function payerOf({ spec }: MachineRecord, space: HealingParts["space"]): string {
  const job = spec.reservedFor === undefined ? undefined : space.get("job", spec.reservedFor);
  return job?.project ?? defaultProject;
}

function tryAgain({ reason, times }: MachineStanding, now: number): Turn {
  return {
    action: "slow",
    what: "put it on trial again: one task at a time",
    why: [`it was isolated for long enough, as ${reason}`],
    flip: `after ${limits.trialTasks} tasks that end well it is trusted again`,
    isLift: true,
    change: (tx, machine) => stand(tx, machine, { phase: "slowed", since: now, reason, times }),
  };
}

function readmit({ reason }: MachineStanding): Turn {
  return {
    action: "readmit",
    what: "trusted it again",
    why: [
      `${limits.trialTasks} tasks ended well there, one at a time; it was on trial as ${reason}`,
    ],
    flip: "with one more that had not, it would still be on trial",
    isLift: true,
    change: (tx, { spec: { standing: _, ...spec }, ...machine }) =>
      void tx.put<"machine">({ ...machine, spec }),
  };
}

function stand(tx: Transaction, machine: MachineRecord, standing: MachineStanding): void {
  const cordoned = standing.phase === "isolated";
  tx.put<"machine">({ ...machine, spec: { ...machine.spec, cordoned, standing } });
}
