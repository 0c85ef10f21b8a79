/**
 * A job that survives a crash at any line.
 *
 * Its function is plain code, and when the machine it ran on is lost, or its process dies, it is run
 * again from the top. What makes that safe is that every call it makes is a step, kept by the cloud
 * before any of it runs: run again, a call finds the step that it made before, and takes the results
 * that are there. Nothing that was finished is done twice.
 *
 * A call finds its step by what it asks for (its fingerprint), and among equal ones by their order. To
 * go by order alone would be wrong where a job has several things under way at once: which of them goes
 * on first may differ from run to run.
 *
 * Code that asks for something else than before cannot be helped: when nothing is under way, a call that
 * is new while steps made before are left over is an error that names both; so are steps left over when
 * the function has returned.
 */
import { CanopyError } from "#/base/errors.ts";
import { decodeValue, encodeValue } from "#/model/value.ts";
import type { StepView } from "#/model/views.ts";
import { allOf, connect, type Client } from "./client.ts";
import { changedHint, cloudCall, type MadeSteps } from "./cloud-call.ts";
import type { TaskContext } from "./context.ts";
import { exportedName, titleOf } from "./definition.ts";
import { StepMaker } from "./step-maker.ts";
import {
  fingerprintOf,
  recordedStep,
  reduceFingerprint,
  reduceStepOf,
  stepsOf,
} from "./requests.ts";
import type { Call, Started, Venue } from "./venue.ts";
import { thisWorld } from "./world.ts";

/** Takes up a job where its steps say that it is. */
export async function openDurableJob(
  context: TaskContext & { cloudUrl: string; jobKey: string },
  given?: Client,
): Promise<DurableJob> {
  const world = thisWorld();
  const { cloudUrl: url, jobKey: key, job } = context;
  // Whatever happens to the cloud, the job waits for it; its lease ends it when it has to end.
  const client = given ?? (await connect({ url, key, patienceMs: Infinity, world }));
  const steps = await Array.fromAsync(allOf((query) => client.steps(job, query)));
  return new DurableJob(client, context, steps);
}

export class DurableJob implements Venue {
  readonly #client: Client;
  readonly #job: string;
  /** Ends what is still read when the function has ended, or the task was. */
  readonly #leave = new AbortController();
  readonly #module: string;
  readonly #maker: StepMaker;
  /** Steps of an earlier run that no call has found yet, by fingerprint, in the order they were made. */
  readonly #unclaimed = new Map<string, StepView[]>();
  readonly #sent = new Set<Promise<unknown>>();
  /** Calls whose outcome the job has not seen. */
  #underWay = 0;
  #failure: CanopyError | undefined;

  constructor(client: Client, context: TaskContext, steps: readonly StepView[]) {
    this.#client = client;
    this.#job = context.job;
    context.signal?.addEventListener("abort", () => this.#leave.abort(context.signal?.reason), {
      once: true,
    });
    const main = steps.find((step) => context.task.startsWith(`${context.job}/${step.number}/`));
    this.#module = main?.module ?? "";
    this.#maker = new StepMaker(client, context.job, steps.length);
    for (const step of steps) {
      if (step === main || step.fingerprint === undefined) continue;
      const equal = this.#unclaimed.get(step.fingerprint);
      if (equal) equal.push(step);
      else this.#unclaimed.set(step.fingerprint, [step]);
    }
  }

  start(call: Call): Started {
    let isDelivered = false;
    const onDelivered = () => {
      if (!isDelivered) this.#underWay--;
      isDelivered = true;
    };
    const made = this.#made(call);
    this.#underWay++;
    made.catch(onDelivered);
    const started = cloudCall(this.#client, call, made, {
      signal: this.#leave.signal,
      onDelivered,
    });
    this.#keep(started.settled);
    return started;
  }

  async record(name: string, make: () => unknown): Promise<unknown> {
    const fingerprint = `${name} recorded`;
    const existing = this.#claim(fingerprint, name);
    if (existing) return decodeValue(existing.recorded ?? "null");
    this.#underWay++;
    try {
      const value = encodeValue(await make());
      await this.#maker.make((number) => [recordedStep(name, this.#module, number, value)]);
      return decodeValue(value);
    } finally {
      this.#underWay--;
    }
  }

  /** Resolves when the cloud has all that was started. Throws CanopyError "conflict" when an earlier run made more. */
  async finish(): Promise<void> {
    while (this.#sent.size > 0) await Promise.all(this.#sent);
    if (this.#failure) throw this.#failure;
    const left = this.#firstUnclaimed();
    if (left) throw this.#changed(left, "it was not made again");
    await this.#client.closeJob(this.#job);
  }

  /** Ends what is still read. */
  leave(): void {
    this.#leave.abort(
      new CanopyError("unavailable", "Cannot read more results as the job's function has ended"),
    );
  }

  /** The steps of a call: those of an earlier run, or new ones. Which, is settled before this returns. */
  #made(call: Call): Promise<MadeSteps> {
    try {
      if (exportedName(call.definition) === undefined) stepsOf(call, this.#module, 0); // throws what is wrong
      const fingerprint = fingerprintOf(call);
      const first = this.#claim(fingerprint, describe(call));
      if (first) return this.#found(call, first, fingerprint);
      const job = this.#job;
      const make = (number: number) => stepsOf(call, this.#module, number, fingerprint);
      return this.#maker
        .make(make)
        .then((steps) => ({ job, first: steps[0]!, last: steps.at(-1)! }));
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  async #found(call: Call, first: StepView, fingerprint: string): Promise<MadeSteps> {
    const job = this.#job;
    if (call.definition.type !== "map-reduce") return { job, first, last: first };
    const own = reduceFingerprint(fingerprint)!;
    const existing = this.#unclaimed.get(own)?.shift();
    if (existing) return { job, first, last: existing };
    const [last] = await this.#maker.make((number) => [
      reduceStepOf(call, this.#module, number, first.name, fingerprint),
    ]);
    return { job, first, last: last! };
  }

  /** The step that an earlier run made for this; undefined when it is new. Throws when the job took another way. */
  #claim(fingerprint: string, described: string): StepView | undefined {
    if (this.#failure) throw this.#failure;
    const equal = this.#unclaimed.get(fingerprint);
    const found = equal?.shift();
    if (found) return found;
    const left = this.#firstUnclaimed();
    if (!left || this.#underWay > 0) return undefined;
    this.#failure = this.#changed(left, `it is now ${described}`);
    throw this.#failure;
  }

  #firstUnclaimed(): StepView | undefined {
    let first: StepView | undefined;
    for (const [step] of this.#unclaimed.values()) {
      if (step && (!first || step.number < first.number)) first = step;
    }
    return first;
  }

  #changed(step: StepView, what: string): CanopyError {
    const was = step.fingerprint?.replace(/ [0-9a-f]{32}$/, "") ?? step.title;
    const message = `Cannot run ${this.#job} again as its call ${step.number} changed: it was ${was}, and ${what}`;
    return new CanopyError("conflict", message, { hint: changedHint });
  }

  #keep(sent: Promise<unknown>): void {
    const quiet = sent.then(
      () => void this.#sent.delete(quiet),
      () => void this.#sent.delete(quiet),
    );
    this.#sent.add(quiet);
  }
}

function describe({ definition, kind, inputs }: Call): string {
  const verb = kind === "call" ? "" : `.${kind}`;
  const items = Array.isArray(inputs) && kind !== "call" ? ` of ${inputs.length} items` : "";
  return `${titleOf(definition)}${verb}${items}, with other inputs or options than before`;
}
