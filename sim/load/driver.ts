import { sleep } from "#/base/clock.ts";
import type { Seat, Ticket } from "#/drivers/admission.ts";
import type { Driver, DriverParts, MakeDriver, Outcome, Work } from "#/drivers/driver.ts";
import type { TaskError } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import type { Executions } from "../check/executions.ts";
import type { Fate } from "./fates.ts";
import type { Tally } from "../faults/tally.ts";

interface Running {
  work: Work;
  end(outcome: Outcome): void;
}

const cancelMs = 5;

/** Tasks that take simulated time and do as their inputs say. They tell `executions` of themselves. */
export function simDriver(machine: () => string, executions: Executions, tally: Tally): MakeDriver {
  return (parts) => new SimDriver(parts, machine, executions, tally);
}

class SimDriver implements Driver {
  readonly name = "process";
  #parts: DriverParts;
  #machine: () => string;
  #executions: Executions;
  #tally: Tally;
  #waiting = new Map<Work, Ticket>();
  #running = new Map<Work, Running>();

  constructor(parts: DriverParts, machine: () => string, executions: Executions, tally: Tally) {
    this.#parts = parts;
    this.#machine = machine;
    this.#executions = executions;
    this.#tally = tally;
  }

  start(work: Work): void {
    let isSeated = false;
    const ticket = this.#parts.admission.ask(work.brief.spec.template.needs, (seat) => {
      isSeated = true;
      this.#waiting.delete(work);
      this.#run(work, seat);
    });
    if (!isSeated) this.#waiting.set(work, ticket);
  }

  cancel(work: Work): void {
    work.cancelled = true;
    const ticket = this.#waiting.get(work);
    const usage = this.#usage(work);
    const outcome: Outcome = { usage, error: { reason: "cancelled", message: "It was cancelled" } };
    if (ticket) {
      this.#waiting.delete(work);
      ticket.withdraw();
      this.#parts.clock.after(cancelMs, () => work.sink.ended(work, outcome));
    } else {
      this.#parts.clock.after(cancelMs, () => this.#running.get(work)?.end(outcome));
    }
  }

  crash(work: Work, error: TaskError): boolean {
    const running = this.#running.get(work);
    running?.end({ usage: this.#usage(work), error });
    return running !== undefined;
  }

  running(): Work[] {
    return [...this.#running.keys()];
  }

  forget(): void {}

  /** Whoever stops it has cancelled all that runs. */
  async stop(): Promise<void> {
    await sleep(this.#parts.clock, 2 * cancelMs);
  }

  #run(work: Work, seat: Seat): void {
    const { clock } = this.#parts;
    const { task, fence, input } = work.offer;
    const fate = JSON.parse(input) as Fate;
    const before = this.#executions.of(task).length;
    const execution = this.#executions.began(task, fence, this.#machine(), input);
    work.startedMs = clock.monotonicMs();
    this.#running.set(work, {
      work,
      end: (outcome) => {
        this.#running.delete(work);
        seat.release();
        work.sink.ended(work, outcome);
      },
    });
    const end = (outcome: Omit<Outcome, "usage">) =>
      this.#running.get(work)?.end({ usage: this.#usage(work), ...outcome });
    const { timeoutMs } = work.brief.spec.template;
    if (timeoutMs !== undefined) {
      clock.after(timeoutMs, () => {
        if (!this.#running.has(work)) return;
        execution.outcome = "failed";
        end({ error: { reason: "timed-out", message: "It took too long" } });
      });
    }
    if (before < fate.hangs) return this.#tally.count("task hung");
    clock.after(fate.ms, () => {
      if (!this.#running.has(work) || work.cancelled) return;
      if (before < fate.hangs + fate.fails) {
        this.#tally.count("task failed");
        execution.outcome = "failed";
        end({
          exitCode: 3,
          error: { reason: "exited", message: "exited with code 3", exitCode: 3 },
        });
      } else {
        execution.outcome = "succeeded";
        end({ exitCode: 0, result: JSON.stringify({ fence, input }) });
      }
    });
  }

  #usage({ startedMs }: Work): TaskUsage {
    const { clock } = this.#parts;
    const wallMs = startedMs === 0 ? 0 : Math.max(0, clock.monotonicMs() - startedMs);
    return {
      startedAt: clock.now(),
      wallMs,
      cpuMs: wallMs,
      memoryBytes: 1,
      readBytes: 0,
      writtenBytes: 0,
    };
  }
}
