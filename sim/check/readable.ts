import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { Client } from "../load/client.ts";
import type { Acknowledged } from "./acknowledged.ts";
import type { Executions } from "./executions.ts";
import type { Ledger } from "./ledger.ts";
import { Violation } from "./violation.ts";

const pageTasks = 100;
const triesMax = 100;

interface TaskRead {
  id: string;
  phase: string;
  machine?: string;
  input: string;
  result?: string;
}

/** Reads what was acknowledged by the calls that users have, and holds it against the ledger and what was really run. */
export class Reader {
  #client: Client;
  #ledger: Ledger;
  #executions: Executions;

  constructor(parts: { client: Client; ledger: Ledger; executions: Executions }) {
    this.#client = parts.client;
    this.#ledger = parts.ledger;
    this.#executions = parts.executions;
  }

  async check({ jobs }: Acknowledged): Promise<void> {
    for (const { id, title } of jobs.values()) {
      const job = this.#ledger.record<JobRecord>("job", id)!;
      const read = await this.#read<{ phase: string; title: string }>(`/v1/jobs/${id}`);
      if (read.phase !== job.status.phase || read.title !== title)
        throw new Violation(
          `${id} has ${job.status.phase}, and is read as ${JSON.stringify(read)}`,
        );
      const listed = await this.#list(id);
      for (let number = 0; number < job.status.steps; number++) {
        const step = this.#ledger.record<StepRecord>("step", `${id}/${number}`);
        for (let index = 0; index < (step?.status.offered ?? 0); index++) {
          const name = `${id}/${number}/${index}`;
          if (!listed.delete(name))
            throw new Violation(`the task ${name} is there, and not listed`);
          const path = `/v1/jobs/${id}/steps/${number}/tasks/${index}`;
          this.#task(name, await this.#read<TaskRead>(path));
        }
      }
      if (listed.size > 0) throw new Violation(`${[...listed][0]} is listed, and nobody made it`);
    }
  }

  /** Names of all tasks of a job, page by page; each has the phase that it was listed with. */
  async #list(job: string): Promise<Set<string>> {
    const listed = new Set<string>();
    let path: string | undefined = `/v1/jobs/${job}/tasks?limit=${pageTasks}`;
    while (path !== undefined) {
      const page: { items: TaskRead[]; next?: string } = await this.#read(path);
      for (const { id, phase } of page.items) {
        const task = this.#ledger.record<TaskRecord>("task", id);
        if (task?.status.phase !== phase)
          throw new Violation(`the task ${id} is ${task?.status.phase}, and listed as ${phase}`);
        if (listed.has(id)) throw new Violation(`the task ${id} is listed twice`);
        listed.add(id);
      }
      const { next } = page;
      path = next && `/v1/jobs/${job}/tasks?limit=${pageTasks}&cursor=${encodeURIComponent(next)}`;
    }
    return listed;
  }

  /** A result is one that an attempt of this very task gave, on the machine that is named for it. */
  #task(name: string, read: TaskRead): void {
    const { phase, input, result, machine } = read;
    const runs = this.#executions.of(name);
    const other = runs.find((run) => run.input !== input);
    if (other) throw new Violation(`${name} ran with ${other.input}, and is read with ${input}`);
    const known = this.#ledger.record<TaskRecord>("task", name)?.status.phase;
    if (phase !== known)
      throw new Violation(`the task ${name} is ${known}, and is read as ${phase}`);
    if (phase !== "succeeded") {
      if (result !== undefined)
        throw new Violation(`${name} has ${phase}, and a result: ${result}`);
      return;
    }
    const made = JSON.parse(result ?? "null") as { fence: number; input: string } | null;
    const run = runs.find(({ fence }) => fence === made?.fence);
    if (run?.outcome !== "succeeded" || run.machine !== machine || made?.input !== input)
      throw new Violation(
        `${name} is read with the result ${result} of ${machine}: it was run as ${JSON.stringify(runs)}`,
      );
  }

  async #read<T>(path: string): Promise<T> {
    const reply = await this.#client.call("GET", path, undefined, { tries: triesMax });
    if (reply?.status !== 200)
      throw new Violation(`GET ${path} gives ${reply?.status} ${JSON.stringify(reply?.value)}`);
    return reply.value as T;
  }
}
