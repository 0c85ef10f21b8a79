import { Violation } from "./violation.ts";

/** One attempt as a machine made it. */
interface Execution {
  fence: number;
  machine: string;
  input: string;
  /** Undefined while it runs. */
  outcome: "succeeded" | "failed" | undefined;
}

/** What was really run: told by the tasks themselves, not by those who hand them out. */
export class Executions {
  count = 0;
  #byTask = new Map<string, Execution[]>();
  #fences = new Map<number, string>();
  /** Whether a task is known to be durable. */
  isDurable: (task: string) => boolean = () => true;

  began(task: string, fence: number, machine: string, input: string): Execution {
    if (!this.isDurable(task))
      throw new Violation(`the task ${task} ran on ${machine} before it was on disk`);
    const holder = this.#fences.get(fence);
    if (holder !== undefined)
      throw new Violation(
        `the fence ${fence} was given to ${holder}, then to ${task} on ${machine}`,
      );
    this.#fences.set(fence, `${task} on ${machine}`);
    const execution: Execution = { fence, machine, input, outcome: undefined };
    const list = this.#byTask.get(task);
    if (list) list.push(execution);
    else this.#byTask.set(task, [execution]);
    this.count++;
    return execution;
  }

  of(task: string): readonly Execution[] {
    return this.#byTask.get(task) ?? [];
  }

  /** How often it failed by itself. */
  failures(task: string): number {
    return this.of(task).filter(({ outcome }) => outcome === "failed").length;
  }
}
