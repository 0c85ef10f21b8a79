import { within, type Timer } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type {
  EnvironmentBrief,
  FunctionAnswer,
  FunctionCall,
  FunctionError,
} from "#/model/function-wire.ts";
import type { Codes, HeldCode } from "./codes.ts";
import type { Conversation, RuntimeAnswer, RuntimeEvents } from "./conversation.ts";
import { exitError, timeoutError, tooLargeError } from "./function-errors.ts";
import { OwnRuntime } from "./own-runtime.ts";
import type { FunctionParts } from "./parts.ts";
import { FunctionPrints, type PrintedLine } from "./prints.ts";
import type { ReadySandboxes } from "./ready-sandboxes.ts";
import type { Sandbox } from "./sandbox.ts";

/** Who hears of an environment. After `ended` nothing comes. */
export interface EnvironmentEvents {
  ready(initMs: number): void;
  answered(requestId: string, answer: FunctionAnswer): void;
  printed(lines: PrintedLine[]): void;
  /** Nothing of it runs any more. `error` says why it never came to be ready. */
  ended(error?: FunctionError): void;
}

interface CallUnderWay {
  call: FunctionCall;
  startedMs: number;
  timer: Timer;
}

/** One execution environment: from its start, over one call at a time, to its end. */
export class Environment {
  #parts: FunctionParts;
  #brief: EnvironmentBrief;
  #events: EnvironmentEvents;
  #prints: FunctionPrints;
  #sandbox: Sandbox | undefined;
  #conversation: Conversation | undefined;
  #code: HeldCode | undefined;
  #call: CallUnderWay | undefined;
  #isReady = false;
  #prepare: () => void = () => {};
  #isFrozen = false;
  #resting: Timer | undefined;
  #initTimer: Timer | undefined;
  #startedMs: number;
  #initMs: number | undefined;
  /** CPU used up to the last answer. */
  #cpuMs = 0;
  #ending: Promise<void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  /** An answer on its way. */
  #answering: Promise<unknown> | undefined;
  #over = Promise.withResolvers<void>();

  constructor(parts: FunctionParts, brief: EnvironmentBrief, events: EnvironmentEvents) {
    this.#parts = parts;
    this.#brief = brief;
    this.#events = events;
    this.#startedMs = parts.clock.monotonicMs();
    this.#prints = new FunctionPrints(parts.clock, (lines) => events.printed(lines));
  }

  /** Prepares all that it needs and lets its code begin. Never throws: what cannot start ends with its reason. */
  async start(codes: Codes, sandboxes: ReadySandboxes): Promise<void> {
    const { project, interpreter, memoryBytes, code, ephemeralBytes, initMs } = this.#brief;
    try {
      const taken = sandboxes.take({ interpreter, memoryBytes }).then((sandbox) => {
        this.#sandbox = sandbox;
        return sandbox;
      });
      const held = codes.hold(project, code.blob).then((own) => {
        this.#code = own;
        return own;
      });
      const [sandbox, own] = await settledBoth(taken, held);
      if (this.#ending) return;
      if (interpreter === "bootstrap" && !(await this.#hasBootstrap(own)))
        return void this.end(invalidEntrypoint);
      await sandbox.waits;
      await sandbox.takeCode(own.name, own.folder, ephemeralBytes);
      if (this.#ending) return;
      this.#conversation = this.#converse(sandbox);
      const { stdout, stderr } = sandbox.process;
      this.#reading = Promise.all([this.#prints.read(stdout), this.#prints.readErrors(stderr)]);
      this.#reading.catch(() => {});
      this.#prepare = () => sandboxes.more(sandbox.kind);
      void sandbox.ended.then((ending) =>
        this.end(this.#isReady ? undefined : exitError(ending), (requestId) =>
          exitError(ending, requestId),
        ),
      );
      this.#initTimer = this.#parts.clock.after(initMs, () => void this.end(timeoutError(initMs)));
      this.#conversation.begin({ handler: this.#brief.handler, env: environmentOf(this.#brief) });
    } catch (thrown) {
      // What is wrong with the code is told of it; what fails here another machine may do.
      const isOfCode = thrown instanceof CanopyError && thrown.code === "invalid";
      const errorMessage = messageOf(thrown);
      if (!isOfCode) this.#parts.log.warn("a function did not start", { error: errorMessage });
      void this.end(isOfCode ? { errorType: "Sandbox.Failure", errorMessage } : undefined);
    } finally {
      this.#over.resolve();
    }
  }

  /** Its answer comes by `answered`, whatever the code does. */
  invoke(call: FunctionCall): void {
    if (!this.#isReady || this.#call || this.#ending) {
      const state = this.#call ? "has a call" : "is not ready";
      return this.#events.answered(call.requestId, {
        ...failure({ errorType: "Sandbox.Failure", errorMessage: `The environment ${state}` }),
        usage: { durationMs: 0, cpuMs: 0, memoryPeakBytes: 0 },
      });
    }
    const { clock } = this.#parts;
    this.#wake();
    const { timeoutMs, requestId } = call;
    const timer = clock.after(
      timeoutMs,
      () => void this.end(undefined, (id) => timeoutError(timeoutMs, id)),
    );
    this.#call = { call, startedMs: clock.monotonicMs(), timer };
    this.#prints.began(requestId);
    this.#conversation!.invoke(call, clock.now() + timeoutMs);
  }

  /** Ends it, whatever it does. `answers` says what a call under way hears. Resolves when nothing of it runs. */
  end(error?: FunctionError, answers?: (requestId: string) => FunctionError): Promise<void> {
    return (this.#ending ??= this.#end(error, answers));
  }

  async #end(
    error: FunctionError | undefined,
    answers: (requestId: string) => FunctionError = shutDown,
  ): Promise<void> {
    this.#resting?.cancel();
    this.#initTimer?.cancel();
    const call = this.#call;
    this.#call = undefined;
    call?.timer.cancel();
    const sandbox = this.#sandbox;
    const usage = call && sandbox && this.#usageOf(call, sandbox);
    void this.#sandbox?.end(); // what is still preparing hears of it by that
    await this.#over.promise;
    this.#conversation?.close();
    await this.#sandbox?.end();
    this.#code?.letGo();
    await this.#answering;
    await within(
      this.#parts.clock,
      limits.functionPrintsWaitMs,
      this.#reading.catch(() => {}),
    );
    this.#prints.flush();
    if (call && usage) {
      const { requestId } = call.call;
      this.#events.answered(requestId, { ...failure(answers(requestId)), usage });
    }
    this.#events.ended(this.#isReady ? undefined : error);
  }

  async #hasBootstrap({ folder }: HeldCode): Promise<boolean> {
    const found = await this.#parts.files.stat(`${folder}/bootstrap`);
    return found !== undefined && !found.isFolder && (found.mode & 0o111) !== 0;
  }

  #converse(sandbox: Sandbox): Conversation {
    const events: RuntimeEvents = {
      ready: () => this.#ready(sandbox),
      broken: (error) => void this.end(error),
      answered: (answer) => this.#answered(answer, sandbox),
    };
    const { api, process } = sandbox;
    return api ? api.serve(process, events) : new OwnRuntime(process.channel!, events);
  }

  #ready(sandbox: Sandbox): void {
    if (this.#isReady || this.#ending) return;
    const { memoryBytes, milliCpus } = this.#brief;
    // Until now it had what CPU was free, as functions have on AWS while they begin.
    sandbox.limit({ memoryBytes, milliCpus, processes: limits.sandboxProcessesMax });
    this.#initTimer?.cancel();
    this.#isReady = true;
    this.#initMs = this.#parts.clock.monotonicMs() - this.#startedMs;
    this.#rest();
    this.#prepare();
    this.#events.ready(this.#initMs);
  }

  #answered(answer: RuntimeAnswer, sandbox: Sandbox): void {
    const call = this.#call;
    if (!call || call.call.requestId !== answer.requestId || this.#ending) return;
    this.#call = undefined;
    call.timer.cancel();
    const usage = this.#usageOf(call, sandbox, answer);
    this.#initMs = undefined;
    const { isError, payload } = answer;
    const told =
      payload.length > limits.functionAnswerBytesMax
        ? failure(tooLargeError(limits.functionAnswerBytesMax))
        : { payload, ...(isError && { error: "Unhandled" as const }) };
    const tell = () => {
      this.#prints.flush();
      if (!this.#ending) this.#rest();
      this.#events.answered(answer.requestId, { ...told, usage });
    };
    this.#answering = this.#prints.caughtUp(answer.printedBytes ?? 0)?.then(tell);
    if (!this.#answering) tell();
  }

  /** What a runtime tells costs nothing to ask; the kernel is asked where it does not. */
  #usageOf(
    { startedMs }: CallUnderWay,
    sandbox: Sandbox,
    told: Partial<RuntimeAnswer> = {},
  ): FunctionAnswer["usage"] {
    const durationMs = this.#parts.clock.monotonicMs() - startedMs;
    const asked = told.cpuMs === undefined ? sandbox.usage() : undefined;
    const cpuMs = told.cpuMs ?? asked?.cpuMs ?? 0;
    const used = Math.max(0, cpuMs - this.#cpuMs);
    this.#cpuMs = cpuMs;
    return {
      durationMs,
      ...(this.#initMs !== undefined && { initMs: this.#initMs }),
      cpuMs: used,
      memoryPeakBytes: told.memoryPeakBytes ?? asked?.memoryPeakBytes ?? 0,
    };
  }

  /** Between calls nothing of it runs; one that is called again at once is not stopped. */
  #rest(): void {
    const { clock } = this.#parts;
    const freeze = () => {
      if (this.#call || this.#ending) return;
      this.#isFrozen = true;
      if (this.#sandbox!.freeze()) return;
      this.#resting = clock.after(limits.sandboxFreezeLookMs, freeze, true);
    };
    this.#resting?.cancel();
    this.#resting = clock.after(limits.sandboxRestMs, freeze, true);
  }

  #wake(): void {
    this.#resting?.cancel();
    if (this.#isFrozen) this.#sandbox!.thaw();
    this.#isFrozen = false;
  }
}

const failure = (error: FunctionError) => ({
  payload: JSON.stringify(error),
  error: "Unhandled" as const,
});

const shutDown = (): FunctionError => ({
  errorType: "Sandbox.Failure",
  errorMessage: "The environment was shut down",
});

const invalidEntrypoint: FunctionError = {
  errorType: "Runtime.InvalidEntrypoint",
  errorMessage: "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
};

/** What every function finds in its environment; what the cloud tells goes before. */
function environmentOf({ handler, env }: EnvironmentBrief): Record<string, string> {
  return {
    PATH: "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin",
    LANG: "en_US.UTF-8",
    TZ: ":UTC",
    LAMBDA_TASK_ROOT: "/var/task",
    LAMBDA_RUNTIME_DIR: "/var/runtime",
    _HANDLER: handler,
    ...env,
  };
}

/** Both, or what one of them throws once both are settled: so nothing is left that somebody would have to end. */
async function settledBoth<A, B>(one: Promise<A>, two: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, two]);
  return Promise.all([one, two]);
}
