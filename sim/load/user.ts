import type { Acknowledged, AskedJob } from "../check/acknowledged.ts";
import type { Registers } from "../check/registers.ts";
import { Violation } from "../check/violation.ts";
import type { Chance } from "#/base/chance.ts";
import type { Client, Reply } from "./client.ts";
import { fateOf, timeoutMs, type Fate, type Mix } from "./fates.ts";

const triesMax = 2_000;
/** So many of a user's jobs go by until a bag is a gang. */
const gangEvery = 3;
const gangTasksMax = 4;

interface StepAsked {
  name: string;
  source: { type: string; inputs?: Fate[] };
  after?: string[];
  gang?: boolean | { minimum: number };
  needs?: { cpus: number };
}

/** One user, who submits jobs of every kind, one after the other, and remembers what was acknowledged. */
export class User {
  isDone = false;
  #name: string;
  #client: Client;
  #chance: Chance;
  #mix: Mix;
  #acknowledged: Acknowledged;
  #registers: Registers;
  #isPast: () => boolean;
  #hasPriorities: boolean;
  #count = 0;
  #ids: string[] = [];

  constructor(
    name: string,
    parts: {
      client: Client;
      chance: Chance;
      mix: Mix;
      acknowledged: Acknowledged;
      registers: Registers;
      /** No new work from then on. */
      isPast: () => boolean;
      /** Jobs differ in priority, where a quota makes them wait for each other. */
      hasPriorities: boolean;
    },
  ) {
    this.#name = name;
    this.#client = parts.client;
    this.#chance = parts.chance;
    this.#mix = parts.mix;
    this.#acknowledged = parts.acknowledged;
    this.#registers = parts.registers;
    this.#isPast = parts.isPast;
    this.#hasPriorities = parts.hasPriorities;
  }

  async live(): Promise<void> {
    const kinds = [
      () => this.#bag(),
      () => this.#bag(),
      () => this.#chain(),
      () => this.#appended(),
      () => this.#doomed(),
      () => this.#cancelled(),
      () => this.#swap(),
      () => this.#swap(),
      () => this.#read(),
    ];
    while (!this.#isPast()) {
      await this.#chance.pick(kinds)();
      await this.#client.sleep(this.#chance.spread(...this.#mix.pauseMs));
    }
    this.isDone = true;
  }

  /** Some are gangs, as small as that one machine could carry them. */
  async #bag(): Promise<void> {
    const step = this.#step("only");
    if (this.#count % gangEvery !== 0) return void (await this.#submit([step]));
    const inputs = step.source.inputs.slice(0, gangTasksMax);
    const gang = this.#count % (2 * gangEvery) === 0 ? true : { minimum: 1 + (inputs.length >> 1) };
    const source = { ...step.source, inputs };
    await this.#submit([{ ...step, source, gang, needs: { cpus: 0.5 } }]);
  }

  async #chain(): Promise<void> {
    const names = ["a", "b", "c", "d"].slice(0, this.#chance.between(2, 4));
    await this.#submit(
      names.map((name, at) => ({
        ...this.#step(name),
        ...(at > 0 && { after: [names[this.#chance.between(0, at - 1)]!] }),
      })),
    );
  }

  /** Tasks come by many calls, each made again until it is answered: their positions make that safe. */
  async #appended(): Promise<void> {
    const step = { ...this.#step("list"), source: { type: "list" } };
    const job = await this.#submit([step]);
    const { inputs } = job.steps[0]!;
    const calls = this.#chance.between(1, 4);
    for (let call = 0; call < calls; call++) {
      const more = this.#inputs(2);
      const isLast = call === calls - 1;
      const body = { from: inputs.length, inputs: more, close: isLast };
      const reply = await this.#mustAnswer("POST", `/v1/jobs/${job.id}/steps/0/tasks`, body);
      if (reply.status === 409) return this.#mustHaveEnded(job);
      this.#must(reply, "append tasks");
      const { offered } = reply.value as { offered: number };
      inputs.push(...more.map((input) => JSON.stringify(input)));
      if (offered !== inputs.length)
        throw new Violation(
          `${inputs.length} tasks were appended to ${job.id}, and ${offered} are there`,
        );
    }
  }

  /** Tasks that it did not take: nobody closed it, so only a job that failed may say that. */
  async #mustHaveEnded({ id }: AskedJob): Promise<void> {
    const reply = await this.#mustAnswer("GET", `/v1/jobs/${id}`);
    this.#must(reply, "read a job");
    const { phase } = reply.value as { phase: string };
    if (phase === "running" || phase === "succeeded")
      throw new Violation(
        `${id} refused tasks that come next in a step that is open: it is ${phase}`,
      );
  }

  /** Fails for good, and is tried again once it has. */
  async #doomed(): Promise<void> {
    const step = this.#step("doomed", true);
    const job = await this.#submit([step], this.#chance.pick(["stop", "continue"]));
    for (let look = 0; look < 60 && !this.#isPast(); look++) {
      await this.#client.sleep(2_000);
      const reply = await this.#mustAnswer("GET", `/v1/jobs/${job.id}`);
      this.#must(reply, "read a job");
      const { phase } = reply.value as { phase: string };
      if (phase === "running") continue;
      if (phase === "failed") await this.#retry(job);
      return;
    }
  }

  async #retry(job: AskedJob): Promise<void> {
    const reply = await this.#mustAnswer("POST", `/v1/jobs/${job.id}/retry`);
    if (reply.status !== 409) this.#must(reply, "retry a job"); // a repeated call meets the job running
  }

  async #cancelled(): Promise<void> {
    const job = await this.#submit([this.#step("only"), this.#step("other")]);
    await this.#client.sleep(this.#chance.spread(10, 10_000));
    const reply = await this.#mustAnswer("POST", `/v1/jobs/${job.id}/cancel`);
    this.#must(reply, "cancel a job");
    const { phase } = reply.value as { phase: string };
    if (phase === "running") throw new Violation(`${job.id} was cancelled, and is running`);
    job.wasCancelled = phase === "cancelled";
    if (!job.wasCancelled || this.#chance.happens(0.6)) return;
    await this.#client.sleep(this.#chance.spread(1, 5_000));
    job.wasCancelled = false;
    await this.#retry(job); // what was cancelled is done after all
  }

  async #swap(): Promise<void> {
    await this.#registers.read(this.#client);
    await this.#registers.swap(this.#client);
    if (this.#chance.happens(0.5)) await this.#registers.read(this.#client);
  }

  /** What this user was told is there is there for this user. */
  async #read(): Promise<void> {
    if (this.#ids.length === 0) return;
    const id = this.#chance.pick(this.#ids);
    this.#must(await this.#mustAnswer("GET", `/v1/jobs/${id}`), `read ${id}`);
  }

  #step(name: string, dooms = false) {
    const retries = this.#chance.between(1, 3);
    return {
      name,
      run: { driver: "process", command: ["sim"] },
      retries,
      retryMs: this.#chance.pick([0, 500, 2_000]),
      timeoutMs,
      needs: { cpus: this.#chance.pick([0.1, 1, 1, 2]) },
      source: { type: "inputs", inputs: this.#inputs(retries, dooms) },
    };
  }

  #inputs(retries: number, dooms = false) {
    const count = this.#chance.between(1, this.#mix.tasksMax);
    return Array.from({ length: count }, (_, at) =>
      fateOf(this.#chance, this.#mix, retries, dooms && at === 0),
    );
  }

  async #submit(steps: StepAsked[], onFailure = "continue"): Promise<AskedJob> {
    const title = `${this.#name} ${++this.#count}`;
    const priority = this.#hasPriorities ? (this.#count % 3) * 10 : 0;
    const body = { title, priority, onFailure, steps };
    const reply = await this.#mustAnswer("POST", "/v1/jobs", body, title);
    this.#must(reply, "submit a job");
    const job: AskedJob = {
      id: (reply.value as { id: string }).id,
      title,
      steps: steps.map(({ source }) => ({
        inputs: (source.inputs ?? []).map((input) => JSON.stringify(input)),
      })),
      wasCancelled: false,
    };
    const other = this.#acknowledged.jobs.get(job.id);
    if (other) throw new Violation(`'${title}' and '${other.title}' are both ${job.id}`);
    this.#acknowledged.jobs.set(job.id, job);
    this.#ids.push(job.id);
    return job;
  }

  async #mustAnswer(method: string, path: string, body?: unknown, key?: string): Promise<Reply> {
    const options = { tries: triesMax, ...(key !== undefined && { key }) };
    const reply = await this.#client.call(method, path, body, options);
    if (!reply) throw new Violation(`${method} ${path} was not answered in ${triesMax} tries`);
    this.#acknowledged.answers++;
    return reply;
  }

  #must({ status, value }: Reply, action: string): void {
    if (status < 300) return;
    throw new Violation(`${this.#name} could not ${action}: ${status} ${JSON.stringify(value)}`);
  }
}
