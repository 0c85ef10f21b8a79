import { join } from "node:path";
import { type CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Process } from "#/base/processes.ts";
import { jobOf, type FailureReason, type ProcessRun, type TaskError } from "#/model/task.ts";
import type { TaskUsage } from "#/model/usage.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { Confinement, markName } from "../confine.ts";
import type { DriverParts, Outcome, Work } from "../driver.ts";
import { gangEnvironment } from "../gang-place.ts";
import { failed, usedNothing } from "../outcomes.ts";
import { removeFolder } from "../remove-folder.ts";
import { TaskOutput } from "../output.ts";
import { collectOutputs, FileFault, stageInputs } from "./folder.ts";
import { substitute } from "./substitute.ts";

let attemptCount = 0;

/** One run of one program: its folder, its bounds, and how it came to its end. */
export class Attempt {
  /** Resolves when nothing is left of it. */
  readonly over: Promise<void>;
  #over = Promise.withResolvers<void>();
  #parts: DriverParts;
  #work: Work;
  #name = `task-${++attemptCount}`;
  #folder: string;
  #confinement: Confinement | undefined;
  #process: Process | undefined;
  #hasEnded = false;
  #ending: (TaskError & { sinceMs: number }) | undefined;
  #lookedMs = 0;
  #usage: TaskUsage;
  #errorTail = "";

  constructor(parts: DriverParts, work: Work) {
    this.over = this.#over.promise;
    this.#parts = parts;
    this.#work = work;
    this.#folder = join(parts.folder, this.#name);
    this.#usage = usedNothing(parts.clock.now());
  }

  /** Runs it from staging to collecting. Never leaves a process or a folder behind. */
  async run(): Promise<Outcome> {
    try {
      const input: unknown = JSON.parse(await this.#inputText());
      await this.#parts.files.makeFolder(this.#folder);
      this.#usage.readBytes += await stageInputs(this.#parts, this.#work, this.#folder, input);
      return this.#ending ? this.#failed(this.#ending) : await this.#execute(input);
    } catch (thrown) {
      if (thrown instanceof FileFault)
        return this.#failed({ reason: thrown.reason, message: thrown.message });
      return this.#failed({ reason: "not-started", message: messageOf(thrown) });
    } finally {
      await removeFolder(this.#parts, this.#folder);
      this.#over.resolve();
    }
  }

  cancel(): void {
    this.#end("cancelled", "It was cancelled");
  }

  /** False when there is no process to end. */
  crash(error: TaskError): boolean {
    if (!this.#process || this.#ending || this.#hasEnded) return false;
    this.#ending = { ...error, sinceMs: this.#parts.clock.monotonicMs() };
    this.#process.signal("SIGKILL");
    return true;
  }

  /** Called every now and then: time, memory, and the patience with what was asked to end. */
  watch(nowMs: number): void {
    if (!this.#process || this.#hasEnded) return;
    if (this.#ending) {
      if (nowMs - this.#ending.sinceMs > limits.killGraceMs) this.#process.signal("SIGKILL");
      return;
    }
    const { timeoutMs } = this.#work.brief.spec.template;
    if (timeoutMs !== undefined && nowMs - this.#work.startedMs > timeoutMs) {
      return this.#end("timed-out", `It took longer than ${briefDuration(timeoutMs)}`);
    }
    if (nowMs - this.#lookedMs < limits.usageEveryMs) return;
    this.#lookedMs = nowMs;
    if (this.#confinement?.look()) {
      this.#end("out-of-memory", this.#memoryMessage());
      this.#process.signal("SIGKILL");
    }
  }

  async #execute(input: unknown): Promise<Outcome> {
    const { clock } = this.#parts;
    const process = this.#start(input);
    this.#process = process;
    const output = new TaskOutput((stream, text) => this.#work.sink.log(this.#work, stream, text));
    const printed = Promise.all([this.#listen("stdout", output), this.#listen("stderr", output)]);
    const end = await process.ended.catch((thrown: unknown) => thrown as CanopyError);
    this.#hasEnded = true;
    this.#usage.wallMs = clock.monotonicMs() - this.#work.startedMs;
    const { cpuMs, memoryBytes } = this.#confinement!.usage();
    const isOutOfMemory = this.#confinement!.ranOutOfMemory();
    const left = await this.#confinement!.end();
    await printed;
    output.end();
    this.#usage.cpuMs = cpuMs;
    this.#usage.memoryBytes = memoryBytes;
    if (left > 0) {
      this.#work.sink.log(
        this.#work,
        "canopy",
        "processes that it started and left behind were ended",
      );
    }
    if (this.#ending) return this.#failed(this.#ending);
    if (end instanceof Error) return this.#failed({ reason: "not-started", message: end.message });
    if (end.code !== 0) return this.#failedWith(end, isOutOfMemory);
    const { outputs, bytes } = await collectOutputs(this.#parts, this.#work, this.#folder, input);
    this.#usage.writtenBytes = bytes;
    return {
      usage: this.#usage,
      result: "null",
      exitCode: 0,
      ...(Object.keys(outputs).length > 0 ? { outputs } : {}),
    };
  }

  #start(input: unknown): Process {
    const { needs } = this.#work.brief.spec.template;
    const run = this.#work.brief.spec.template.run as ProcessRun;
    const { task, attempt } = this.#work.offer;
    this.#confinement = new Confinement(this.#parts, this.#name, {
      memoryBytes: this.#memoryBytesMax(),
      ...(needs.milliCpus > 0 ? { milliCpus: needs.milliCpus } : {}),
      milliCpusShare: Math.max(100, needs.milliCpus),
      processes: limits.taskProcessesMax,
    });
    const { cage, mark } = this.#confinement;
    const own = Object.entries(run.env).map(([name, value]) => [name, substitute(value, input)]);
    const env: Record<string, string> = {
      ...this.#parts.env,
      CANOPY_JOB: jobOf(task),
      CANOPY_TASK: task,
      CANOPY_ATTEMPT: String(attempt),
      ...gangEnvironment(this.#work.offer),
      ...Object.fromEntries(own),
      [markName]: mark,
    };
    this.#work.startedMs = this.#parts.clock.monotonicMs();
    this.#usage.startedAt = this.#parts.clock.now();
    const process = this.#parts.processes.spawn(
      run.command.map((word) => substitute(word, input)),
      { folder: this.#folder, env, group: true, ...(cage && { cage }) },
    );
    this.#confinement.holds(process);
    if (run.stdin) process.stdin.write(JSON.stringify(input));
    process.stdin.end();
    return process;
  }

  #memoryBytesMax(): number {
    const { memoryBytes, milliCpus } = this.#parts.capacity;
    return (
      this.#work.brief.spec.template.needs.memoryBytes ||
      Math.floor(memoryBytes / Math.max(1, milliCpus / 1000))
    );
  }

  async #inputText(): Promise<string> {
    const { input, inputBlob } = this.#work.offer;
    if (inputBlob === undefined) return input;
    try {
      const { path, sizeBytes } = await this.#parts.blobs.fetch(
        this.#work.brief.project,
        inputBlob,
      );
      this.#usage.readBytes += sizeBytes;
      return Buffer.from((await this.#parts.files.read(path)) ?? "null").toString();
    } catch (thrown) {
      throw new FileFault("input-missing", `Its input cannot be had: ${messageOf(thrown)}`);
    }
  }

  async #listen(stream: "stdout" | "stderr", output: TaskOutput): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const piece of this.#process![stream]) {
        if (output.isFull && stream === "stdout") continue;
        const text = decoder.decode(piece, { stream: true });
        if (stream === "stderr")
          this.#errorTail = (this.#errorTail + text).slice(-limits.failureTailBytesMax);
        output.write(stream, text);
      }
    } catch {
      // it broke off with the program
    }
  }

  /** Asks it to end, once; the sweep makes it when it does not. */
  #end(reason: FailureReason, message: string): void {
    if (this.#ending || this.#hasEnded) return;
    this.#ending = { reason, message, sinceMs: this.#parts.clock.monotonicMs() };
    this.#process?.signal("SIGTERM");
  }

  #failedWith(
    { code, signal }: { code: number | undefined; signal: string | undefined },
    isOutOfMemory: boolean,
  ): Outcome {
    const lastLine = this.#errorTail
      .trimEnd()
      .split("\n")
      .at(-1)
      ?.slice(0, limits.messageBytesMax / 2);
    const why = lastLine ? `: ${lastLine}` : "";
    if (isOutOfMemory)
      return this.#failed({ reason: "out-of-memory", message: this.#memoryMessage() });
    if (signal)
      return this.#failed({ reason: "signalled", message: `It was ended by ${signal}${why}` });
    const exitCode = code ?? 1;
    return {
      ...failed(this.#usage, "exited", `It ended with code ${exitCode}${why}`, { exitCode }),
      exitCode,
    };
  }

  #failed({ reason, message, hit }: TaskError): Outcome {
    return failed(this.#usage, reason, message, hit === undefined ? {} : { hit });
  }

  #memoryMessage(): string {
    return `It took more memory than its ${briefSize(this.#memoryBytesMax())}`;
  }
}
