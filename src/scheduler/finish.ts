import type { StepRecord } from "#/model/step.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { TaskClaim, TaskReport } from "#/model/wire.ts";
import type { Transaction } from "#/space/space.ts";
import type { Board } from "./board.ts";
import { Broken } from "./disband.ts";
import { fail, leave, lose, resume, succeed } from "./ending.ts";
import { quorumOf } from "./gang.ts";
import { keepMemo } from "./memo.ts";
import type { Meter } from "./session.ts";
import { soundUsage } from "./sound.ts";
import { spentSoFar } from "./spent.ts";
import type { Lease, MachineState, StepState } from "./state.ts";
import { Tally } from "./tally.ts";

/** An attempt and how it ended. */
export interface Ended {
  readonly lease: Lease;
  readonly report: TaskReport;
  readonly usage: TaskUsage;
}

export interface Finished {
  readonly durable: Promise<void>;
  /** Members of gangs have succeeded: what became of their gangs is on disk. Never rejects. */
  readonly gangsOver: readonly Promise<void>[];
  /** Reports under leases that are over: they changed nothing. */
  readonly refused: TaskClaim[];
  /** Reduce attempts that found their input gone: still leased, for the shuffle to look after. */
  readonly shuffleLost: Ended[];
}

/**
 * Records how attempts ended, in one commit with the counters of their steps. Their leases are over
 * when this returns. Throws "no-space", having changed nothing.
 */
export function finish(
  board: Board,
  meter: Meter,
  machine: MachineState,
  reports: readonly TaskReport[],
): Finished {
  const { space } = board;
  const now = board.clock.now();
  const spentOn = (lease: Lease) => spentSoFar(board, meter, lease);
  const refused: TaskClaim[] = [];
  const ended: Ended[] = [];
  const shuffleLost: Ended[] = [];
  const members: Ended[] = [];
  let durable: Promise<void>;
  let disbanded: Lease[];
  try {
    ({ durable, value: disbanded } = board.commit((tx) => {
      const tally = new Tally();
      const broken = new Broken();
      let step: StepRecord | undefined;
      for (const report of reports) {
        const lease = board.heldBy(machine, report.task, report.fence);
        if (step?.name !== lease?.step.name) step = lease && space.get("step", lease.step.name);
        if (!lease || lease.isEnding || !step) {
          refused.push([report.task, report.fence]);
          continue;
        }
        lease.isEnding = true;
        const { task } = lease;
        const usage = soundUsage(report.usage);
        const reason = report.error?.reason;
        if (reason === "shuffle-lost" && !lease.twin) {
          shuffleLost.push({ lease, report, usage });
          continue;
        }
        if (reason === undefined && lease.step.gang?.isWhole) {
          lease.isEnding = false;
          members.push({ lease, report, usage });
          continue;
        }
        ended.push({ lease, report, usage });
        tally.of(step.name).spend(meter(usage, step.spec.template.needs, machine.record));
        const ending = { tx, tally, step, task, lease, now };
        if (reason === undefined) {
          succeed(ending, report, usage);
          if (lease.twin) tally.of(step.name).spend(spentOn(lease.twin));
          if (lease.memoKey !== undefined) keepMemo(tx, task, lease.memoKey, report, now);
        } else if (reason === "injected" && isHit(tx, report)) {
          resume(ending);
        } else if (reason === "cancelled" || reason === "machine-lost" || reason === "injected") {
          lose(ending); // nobody here asked for it: the machine is going down
        } else if (reason === "shuffle-lost") {
          leave(ending); // the other attempt will find the same
        } else {
          fail(ending, report, usage);
        }
        if (reason !== undefined) broken.add(tx, lease);
      }
      const over = broken.disband(board, tx, tally);
      tally.write(tx);
      return over;
    }));
  } catch (thrown) {
    for (const { lease } of ended) lease.isEnding = false;
    for (const { lease } of shuffleLost) lease.isEnding = false;
    throw thrown;
  }
  for (const { lease, report, usage } of ended) {
    const { twin } = lease;
    if (!report.error) lease.step.runTimes.add(usage.wallMs);
    board.end(lease, usage.wallMs);
    if (twin && !report.error) board.revoke(twin);
    if (lease.step.gang && !lease.step.gang.isWhole) board.refresh(lease.step);
  }
  for (const lease of disbanded) board.revoke(lease);
  const gangsOver = gather(board, meter, members);
  return { durable, refused, shuffleLost, gangsOver };
}

/** Tasks of gangs have succeeded, and wait for the others; with the last one all of them end, in one commit. */
function gather(board: Board, meter: Meter, members: readonly Ended[]): Promise<void>[] {
  const waits: Promise<void>[] = [];
  const steps = new Set<StepState>();
  for (const member of members) {
    const { step, index } = member.lease;
    if (step.leases.get(index) !== member.lease) continue; // another one has failed meanwhile
    const over = Promise.withResolvers<void>();
    const before = step.gang!.finished.get(index); // said again on a new link
    if (before) void over.promise.then(before.over.resolve);
    step.gang!.finished.set(index, { ...member, over });
    waits.push(over.promise);
    steps.add(step);
  }
  for (const step of steps) {
    if (step.gang!.finished.size >= quorumOf(board.space, step))
      succeedTogether(board, meter, step);
  }
  return waits;
}

function succeedTogether(board: Board, meter: Meter, step: StepState): void {
  const { space, clock } = board;
  const members = [...step.gang!.finished.values()];
  const { durable } = board.commit((tx) => {
    const tally = new Tally();
    const record = space.get("step", step.name)!;
    const { needs } = record.spec.template;
    for (const { lease, report, usage } of members) {
      tally.of(step.name).spend(meter(usage, needs, lease.machine.record));
      succeed(
        { tx, tally, step: record, task: lease.task, lease, now: clock.now() },
        report,
        usage,
      );
    }
    tally.write(tx);
  });
  step.gang!.finished.clear();
  for (const { lease, usage, over } of members) {
    step.runTimes.add(usage.wallMs);
    board.end(lease, usage.wallMs);
    void durable.then(over.resolve);
  }
}

/** An agent's word is not enough: a game day must have decided to hit that attempt. */
function isHit(tx: Transaction, { task, fence, error }: TaskReport): boolean {
  const hit = error?.hit === undefined ? undefined : tx.get("hit", error.hit);
  return (
    hit?.spec.victims.some((victim) => victim.task === task && victim.fence === fence) ?? false
  );
}
