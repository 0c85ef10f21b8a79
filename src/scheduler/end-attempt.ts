import type { TaskError } from "#/model/task.ts";
import type { Transaction } from "#/space/space.ts";
import type { Board } from "./board.ts";
import { Broken } from "./disband.ts";
import { hasFinished } from "./gang.ts";
import { fail } from "./ending.ts";
import type { Meter } from "./session.ts";
import { spentSoFar, usageSoFar } from "./spent.ts";
import { Tally } from "./tally.ts";

/** See Scheduler.endAttempt. */
export function endAttempt(
  board: Board,
  meter: Meter,
  { task: name, fence }: { task: string; fence: number },
  { error, also }: { error: TaskError; also: (tx: Transaction) => void },
): boolean {
  const first = board.leaseOf(name);
  const lease = first?.fence === fence ? first : first?.twin;
  const step = lease && board.space.get("step", lease.step.name);
  if (lease?.fence !== fence || !step || lease.isEnding || !board.isSure()) return false;
  if (hasFinished(lease)) return false; // it waits for its gang
  const { value: others } = board.commit((tx) => {
    const tally = new Tally();
    const broken = new Broken();
    const usage = usageSoFar(board.clock, lease);
    tally.of(step.name).spend(spentSoFar(board, meter, lease));
    const ending = { tx, tally, step, task: lease.task, lease, now: board.clock.now() };
    fail(ending, { task: name, fence, usage, error }, usage);
    broken.add(tx, lease);
    const disbanded = broken.disband(board, tx, tally);
    tally.write(tx);
    also(tx);
    return disbanded;
  });
  for (const one of [lease, ...others]) board.revoke(one);
  return true;
}
