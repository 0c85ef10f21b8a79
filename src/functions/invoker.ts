import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { randomText, type Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type {
  EnvironmentBrief,
  FunctionAbilities,
  FunctionAnswer,
  FunctionError,
  FunctionReport,
} from "#/model/function-wire.ts";
import type { Space } from "#/space/space.ts";
import { sizeOf } from "./brief.ts";
import { Concurrency } from "./concurrency.ts";
import {
  poolKeyOf,
  Pool,
  type Environment,
  type FunctionHost,
  type OpenCall,
} from "./environment.ts";
import { tailOf } from "./log-tail.ts";
import { makeRoom, placeFor, type FunctionField } from "./place.ts";
import type { FunctionLink, FunctionSession } from "./session.ts";
import type { Target } from "./target.ts";

interface Parts {
  space: Pick<Space, "get" | "list" | "onApplied">;
  field: FunctionField;
  clock: Clock;
  random: Random;
  log: Log;
  brief(target: Target, environment: string): EnvironmentBrief;
}

export interface CallAsked {
  requestId: string;
  /** JSON. */
  payload: string;
  clientContext?: string | undefined;
  /** The end of what it prints is told with its answer. */
  wantsTail?: boolean;
}

export type CallAnswer = FunctionAnswer & { tail: string | undefined };

/**
 * Runs calls of functions in environments, which it has made on machines when there is none that rests, and ended when they rest for long. All
 * of it is in memory: a call is answered, or its caller hears that it was not.
 */
export class Invoker {
  #parts: Parts;
  #hosts = new Map<string, FunctionHost>();
  #pools = new Map<string, Pool>();
  #concurrency: Concurrency;
  #loop: Loop | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#concurrency = new Concurrency(parts.space);
  }

  start(): void {
    const { space, clock, log } = this.#parts;
    this.#loop = startLoop("environments", () => this.#look(), {
      clock,
      log,
      everyMs: limits.environmentLookMs,
    });
    this.#unsubscribe = space.onApplied((changes) => {
      if (changes.some(({ record: { kind } }) => kind.startsWith("function"))) this.#loop?.wake();
    });
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#loop?.stop();
    for (const pool of this.#pools.values())
      for (const call of pool.waiting.splice(0)) call.reject(hasLeft());
  }

  /** A machine that runs functions has greeted. */
  connect(machine: string, abilities: FunctionAbilities, link: FunctionLink): FunctionSession {
    const host: FunctionHost = { machine, abilities, link, environments: new Map() };
    this.#hosts.set(machine, host);
    this.#startAll();
    return {
      reported: (report) => this.#reported(host, report),
      close: () => {
        if (this.#hosts.get(machine) === host) this.#hosts.delete(machine);
        for (const environment of host.environments.values()) {
          const call = environment.call;
          this.#over(environment);
          call?.reject(hasLeft());
        }
        this.#startAll();
      },
    };
  }

  /**
   * Runs a call to its end; what the function did wrong is in its answer. Throws "TooManyRequestsException" when as many run as may, and
   * "ServiceException" when no machine has room for it within `limits.functionPlaceMs`, or its machine is lost.
   */
  async invoke(target: Target, asked: CallAsked): Promise<CallAnswer> {
    const over = this.#concurrency.enter(target.function);
    const { promise, resolve, reject } = Promise.withResolvers<FunctionAnswer>();
    const { requestId, payload, clientContext, wantsTail } = asked;
    const tail = wantsTail
      ? `START RequestId: ${requestId} Version: ${target.version}\n`
      : undefined;
    const call: OpenCall = {
      requestId,
      target,
      payload,
      clientContext,
      tail,
      sinceMs: this.#parts.clock.monotonicMs(),
      starts: 0,
      resolve,
      reject,
    };
    try {
      this.#begin(call);
      const answer = await promise;
      return { ...answer, tail: call.tail && tailOf(call, answer) };
    } finally {
      over();
    }
  }

  #begin(call: OpenCall): void {
    const pool = this.#poolOf(call.target);
    const environment = pool.idle.pop();
    if (environment) return this.#give(environment, call);
    pool.waiting.push(call);
    this.#startFor(pool);
  }

  #poolOf(target: Target): Pool {
    const key = poolKeyOf(target);
    let pool = this.#pools.get(key);
    if (!pool) this.#pools.set(key, (pool = new Pool(key, target)));
    return pool;
  }

  /** Calls that have waited for long for what nobody makes. */
  #giveUp(pool: Pool, nowMs: number): void {
    const late = pool.waiting.filter(
      ({ sinceMs }, at) => at >= pool.starting && nowMs - sinceMs >= limits.functionPlaceMs,
    );
    if (late.length === 0) return;
    const place = this.#placeFor(pool);
    if (!("because" in place)) return;
    for (const call of late) {
      pool.waiting.splice(pool.waiting.indexOf(call), 1);
      call.reject(noRoom(pool.target, place.because));
    }
    this.#forgetIfEmpty(pool);
  }

  #placeFor(pool: Pool): FunctionHost | { because: string } {
    const { field } = this.#parts;
    return placeFor(pool.target.config, this.#hosts, field, (machine) => this.#isOpen(machine));
  }

  /** Whether a machine may get more; one that is about to be taken away may not. */
  #isOpen(machine: string): boolean {
    return this.#parts.space.get("machine", machine)?.spec.cordoned !== true;
  }

  #startAll(): void {
    for (const pool of this.#pools.values()) if (pool.waiting.length > 0) this.#startFor(pool);
  }

  /** As many as calls wait beyond those that are being made. */
  #startFor(pool: Pool): void {
    while (pool.starting < pool.waiting.length) {
      const host = this.#hostFor(pool);
      if (!host) return;
      this.#start(pool, host);
    }
  }

  /** Where there is room, or is without environments that rest. */
  #hostFor(pool: Pool): FunctionHost | undefined {
    const place = this.#placeFor(pool);
    if (!("because" in place)) return place;
    const open = [...this.#hosts.values()].filter(({ machine }) => this.#isOpen(machine));
    return makeRoom(pool.target.config, open, this.#parts.field, (one) => this.#end(one));
  }

  #start(pool: Pool, host: FunctionHost): void {
    const { clock, random, field, brief } = this.#parts;
    const name = randomText(random, 16);
    const nowMs = clock.monotonicMs();
    const { milliCpus, memoryBytes } = sizeOf(pool.target.config);
    const environment: Environment = {
      name,
      pool,
      host,
      bornMs: nowMs,
      state: "starting",
      initMs: undefined,
      call: undefined,
      idleSinceMs: nowMs,
      releaseMemory: field.hold(host.machine, { milliCpus: 0, memoryBytes }),
      releaseCpus: field.hold(host.machine, { milliCpus, memoryBytes: 0 }),
    };
    pool.starting++;
    pool.count++;
    host.environments.set(name, environment);
    host.link.order({ do: "start", environment: name, brief: brief(pool.target, name) });
  }

  #give(environment: Environment, call: OpenCall): void {
    const { host, name, pool } = environment;
    environment.state = "busy";
    environment.call = call;
    const { milliCpus } = sizeOf(pool.target.config);
    environment.releaseCpus ??= this.#parts.field.hold(host.machine, { milliCpus, memoryBytes: 0 });
    const { requestId, payload, clientContext, target } = call;
    host.link.order({
      do: "invoke",
      environment: name,
      call: {
        requestId,
        payload,
        timeoutMs: target.config.timeoutSeconds * 1000,
        arn: target.arn,
        traceId: traceIdOf(requestId, this.#parts.clock.now()),
        ...(clientContext !== undefined && { clientContext }),
      },
    });
  }

  #reported(host: FunctionHost, report: FunctionReport): void {
    const environment = host.environments.get(report.environment);
    if (!environment) return;
    switch (report.is) {
      case "ready":
        return this.#ready(environment, report.initMs);
      case "answered":
        return this.#answered(environment, report.requestId, report.answer);
      case "printed":
        return this.#printed(environment, report.lines);
      case "ended":
        return this.#ended(environment, report.error);
    }
  }

  #ready(environment: Environment, initMs: number): void {
    if (environment.state !== "starting") return;
    environment.initMs = initMs;
    environment.pool.starting--;
    this.#rest(environment);
  }

  #answered(environment: Environment, requestId: string, answer: FunctionAnswer): void {
    const { call, initMs } = environment;
    if (call?.requestId !== requestId) return;
    environment.call = undefined;
    environment.initMs = undefined;
    if (initMs !== undefined) answer.usage.initMs = initMs;
    this.#rest(environment);
    call.resolve(answer);
  }

  /** It takes the next call, if there is one. */
  #rest(environment: Environment): void {
    const { pool } = environment;
    environment.state = "idle";
    environment.idleSinceMs = this.#parts.clock.monotonicMs();
    const next = pool.waiting.shift();
    if (next) return this.#give(environment, next);
    pool.idle.push(environment);
  }

  #printed(
    { call }: Environment,
    lines: readonly { text: string; requestId?: string | undefined }[],
  ): void {
    if (call?.tail === undefined) return;
    for (const { text, requestId } of lines)
      if (requestId === call.requestId)
        call.tail = `${call.tail}${text}\n`.slice(-limits.functionTailBytes);
  }

  #ended(environment: Environment, error: FunctionError | undefined): void {
    const { pool, state, call } = environment;
    this.#over(environment);
    call?.reject(hasLeft());
    if (state === "starting") this.#notStarted(pool, error);
    this.#startAll();
  }

  /** The first that waits hears what its code did wrong; what the machine did wrong another may do better. */
  #notStarted(pool: Pool, error: FunctionError | undefined): void {
    const [first] = pool.waiting;
    if (!first) return;
    first.starts++;
    if (!error && first.starts < limits.environmentStartsMax) return;
    pool.waiting.shift();
    if (error) {
      const usage = { durationMs: 0, cpuMs: 0, memoryPeakBytes: 0 };
      first.resolve({ payload: JSON.stringify(error), error: "Unhandled", usage });
    } else first.reject(noRoom(pool.target, "machines that had room could not start it"));
  }

  #end(environment: Environment): void {
    environment.host.link.order({ do: "end", environment: environment.name });
    this.#over(environment);
  }

  /** Nothing is asked of it any more, and it holds nothing. */
  #over(environment: Environment): void {
    const { pool, host, state } = environment;
    if (state === "over") return;
    if (state === "starting") pool.starting--;
    const at = pool.idle.indexOf(environment);
    if (at >= 0) pool.idle.splice(at, 1);
    environment.state = "over";
    environment.call = undefined;
    pool.count--;
    host.environments.delete(environment.name);
    environment.releaseMemory();
    environment.releaseCpus?.();
    this.#forgetIfEmpty(pool);
  }

  #forgetIfEmpty(pool: Pool): void {
    if (pool.isEmpty && this.#pools.get(pool.key) === pool) this.#pools.delete(pool.key);
  }

  #resting(): Environment[] {
    return [...this.#pools.values()].flatMap(({ idle }) => idle);
  }

  #look(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const environment of this.#resting()) {
      const { idleSinceMs, bornMs, pool } = environment;
      const isOld =
        nowMs - idleSinceMs > limits.environmentIdleMs ||
        nowMs - bornMs > limits.environmentAgeMsMax;
      const isWanted = this.#isCurrent(pool) && this.#isOpen(environment.host.machine);
      if (isOld || !isWanted) this.#end(environment);
      else if (nowMs - idleSinceMs > limits.environmentRestMs) {
        environment.releaseCpus?.();
        environment.releaseCpus = undefined;
      }
    }
    this.#startAll();
    for (const pool of this.#pools.values()) this.#giveUp(pool, nowMs);
  }

  /** Whether a call could still come to it. */
  #isCurrent({ target }: Pool): boolean {
    const { name } = target.function;
    if (target.version !== "$LATEST")
      return this.#parts.space.get("function-version", `${name}/${target.version}`) !== undefined;
    const { latest } = this.#parts.space.get("function", name)?.spec ?? {};
    return latest?.revisionId === target.config.revisionId;
  }
}

function traceIdOf(requestId: string, now: number): string {
  const seconds = Math.floor(now / 1000).toString(16);
  return `Root=1-${seconds}-${requestId.replaceAll("-", "").slice(0, 24)};Sampled=0`;
}

const hasLeft = () =>
  new AwsError("ServiceException", 500, "The machine that ran the call is no longer connected.");

const noRoom = ({ function: { spec } }: Target, because: string) =>
  new AwsError(
    "ServiceException",
    500,
    `There is no machine with room for an environment of ${spec.title}: ${because}.`,
  );
