import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import {
  functionEventName,
  type FunctionEventRecord,
  type FunctionEventSpec,
} from "#/model/function-event.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { Space } from "#/space/space.ts";
import { noticesAfter } from "./destinations.ts";
import { HeldEvents } from "./held-events.ts";
import type { CallAnswer, Invoker } from "./invoker.ts";
import { targetOf, type Target } from "./target.ts";

interface Parts {
  space: Space;
  invoker: Pick<Invoker, "invoke">;
  clock: Clock;
  random: Random;
  log: Log;
  region: string;
}

/**
 * Runs functions on events that nobody waits for. An event is a record from when it is accepted until its function ran on it, or it is too old,
 * or failed too often: so it outlives every process, and may be run on twice. Events that have no place in memory wait in the log.
 */
export class FunctionEvents {
  #parts: Parts;
  #held: HeldEvents;
  /** Events under way by name, of functions by name. */
  #running = new Map<string, Set<string>>();
  #loop: Loop | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#held = new HeldEvents(parts.space);
  }

  start(): void {
    const { space, clock, log } = this.#parts;
    this.#loop = startLoop("function events", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.functionEventsLookMs,
    });
    // Nothing runs on what may be forgotten.
    this.#unsubscribe = space.onDurable(({ changes }) => {
      if (changes.some(({ record }) => record.kind === "function-event")) this.#loop?.wake();
    });
    this.#loop.wake();
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#loop?.stop();
  }

  /** Takes an event, once it is durable; the same id at the same time is taken once. Throws "RequestTooLargeException". */
  accept(record: FunctionRecord, event: FunctionEventSpec): void {
    if (Buffer.byteLength(event.payload) > limits.functionEventBytesMax)
      throw new AwsError(
        "RequestTooLargeException",
        413,
        `Request must be smaller than ${limits.functionEventBytesMax} bytes for the InvokeFunction operation`,
      );
    const name = functionEventName(record.name, event.at, event.id);
    const { space } = this.#parts;
    const isHeld = this.#held.hasRoom(record.name, event.payload.length);
    space.commit((tx) => {
      if (tx.get("function-event", name)) return;
      const draft = {
        kind: "function-event" as const,
        project: record.project,
        name,
        spec: event,
        status: { failures: 0, delays: 0 },
      };
      if (isHeld) tx.put<"function-event">(draft);
      else tx.archive<"function-event">(draft);
    });
    if (!isHeld) this.#held.spilled(record.name);
  }

  async #turn(): Promise<void> {
    const { space } = this.#parts;
    await this.#held.fetch();
    await space.durable();
    for (const name of this.#held.functions()) {
      const record = space.get("function", name);
      if (record) this.#runSome(record);
      else this.#forgetAll(name);
    }
  }

  #runSome(record: FunctionRecord): void {
    const now = this.#parts.clock.now();
    const running = this.#running.get(record.name) ?? new Set();
    this.#running.set(record.name, running);
    // Of a function that may not run each is tried too, until it is too old.
    const { reservedConcurrency = limits.functionEventsAtOnce } = record.spec;
    const atOnce = Math.max(1, Math.min(limits.functionEventsAtOnce, reservedConcurrency));
    for (const event of this.#parts.space.list("function-event", record.name)) {
      if (running.size >= atOnce) break;
      if (running.has(event.name) || (event.status.notBefore ?? 0) > now) continue;
      running.add(event.name);
      void this.#run(record, event).finally(() => {
        running.delete(event.name);
        if (running.size === 0) this.#running.delete(record.name);
        this.#loop?.wake();
      });
    }
    if (running.size === 0) this.#running.delete(record.name);
  }

  async #run(record: FunctionRecord, event: FunctionEventRecord): Promise<void> {
    const { invoker, log } = this.#parts;
    const { id, payload, qualifier, clientContext } = event.spec;
    try {
      const target = targetOf(this.#parts, record, qualifier);
      const isOfEarlier = event.spec.at < record.spec.createdAt;
      if (!target || isOfEarlier) return this.#end(event, undefined, undefined);
      let answer: CallAnswer | undefined;
      let refusal: unknown;
      try {
        answer = await invoker.invoke(target, { requestId: id, payload, clientContext });
      } catch (thrown) {
        refusal = thrown;
      }
      if (answer) this.#answered(event, target, answer);
      else this.#delayed(event, target, refusal);
    } catch (thrown) {
      // The disk is full: it is run on again.
      log.warn("what came of an event could not be kept", { id, error: messageOf(thrown) });
    }
  }

  #answered(event: FunctionEventRecord, target: Target, answer: CallAnswer): void {
    const { retries = limits.functionEventRetries } = configOf(target, event) ?? {};
    const { failures } = event.status;
    if (answer.error === undefined || failures >= retries) return this.#end(event, target, answer);
    const after = limits.functionEventRetryMs * 2 ** failures;
    if (this.#isTooOld(event, target, after)) return this.#end(event, target, answer);
    this.#again(event, { failures: failures + 1 }, after);
  }

  #delayed(event: FunctionEventRecord, target: Target, refusal: unknown): void {
    const { delays } = event.status;
    const after = Math.min(
      limits.functionEventDelayMs * 2 ** Math.min(delays, 20),
      limits.functionEventDelayMsMax,
    );
    if (this.#isTooOld(event, target, after)) return this.#end(event, target, undefined);
    if (!(refusal instanceof AwsError))
      this.#parts.log.warn("a function could not be run on an event", {
        error: messageOf(refusal),
      });
    this.#again(event, { delays: delays + 1 }, after);
  }

  #isTooOld(event: FunctionEventRecord, target: Target, afterMs: number): boolean {
    const { ageSecondsMax = limits.functionEventAgeSecondsMax } = configOf(target, event) ?? {};
    return this.#parts.clock.now() + afterMs - event.spec.at > ageSecondsMax * 1000;
  }

  #again(event: FunctionEventRecord, more: { failures?: number; delays?: number }, after: number) {
    const notBefore = this.#parts.clock.now() + after;
    this.#parts.space.commit((tx) => {
      const now = tx.get("function-event", event.name);
      if (now) tx.put<"function-event">({ ...now, status: { ...now.status, ...more, notBefore } });
    });
  }

  /** It is over: who is to be told of that is told in the same commit. */
  #end(
    event: FunctionEventRecord,
    target: Target | undefined,
    answer: CallAnswer | undefined,
  ): void {
    const { space, clock, random, region } = this.#parts;
    space.commit((tx) => {
      tx.delete("function-event", event.name);
      if (!target) return;
      const about = { event, target, answer, config: configOf(target, event), region };
      for (const notice of noticesAfter(about, clock.now(), random)) tx.put<"notice">(notice);
    });
  }

  /** Its function is gone. */
  #forgetAll(name: string): void {
    const { space } = this.#parts;
    const events = [...space.list("function-event", name)].slice(0, limits.functionEventsHeldMax);
    space.commit((tx) => {
      for (const event of events) tx.delete("function-event", event.name);
    });
  }
}

function configOf(
  { function: { spec } }: Target,
  { spec: { qualifier = "" } }: FunctionEventRecord,
) {
  const [events, key] = [spec.events ?? {}, qualifier === "$LATEST" ? "" : qualifier];
  return Object.hasOwn(events, key) ? events[key] : undefined;
}
