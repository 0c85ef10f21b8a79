import { inspect } from "node:util";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { JobDetail, JobResult, JobView, LogLineView } from "#/model/views.ts";
import { decodeValue, hasTagged } from "#/model/value.ts";
import type { Client } from "#/sdk/client.ts";
import { summary, type Progress } from "./progress.ts";
import type { ProgressMode } from "./progress-mode.ts";
import type { Result } from "./result.ts";
import { tellerOf, type Teller } from "./teller.ts";
import type { Terminal } from "./terminal.ts";
import { interruptedExit, type Cli, type Done } from "./verb.ts";

export interface FollowOptions {
  /** Whose lines are printed: the main step's (of a job with one step, that one's), all, or none. */
  logs?: "main" | "all" | "none";
}

/** A cloud that cannot be reached for this long is given up. */
const patienceMs = 60_000;

/**
 * Follows a job to its end: its progress on stderr, what it prints on stdout; gives its result and its
 * own exit code. Ctrl-C leaves it running and says how to come back.
 */
export async function followed(
  cli: Cli,
  client: Client,
  job: JobView,
  options: FollowOptions = {},
): Promise<Done> {
  const { terminal } = cli;
  const mode = modeOf(cli);
  const teller = tellerOf(mode, terminal.err, terminal.world.clock);
  const leave = new AbortController();
  const stopListening = terminal.onInterrupt(() => {
    if (leave.signal.aborted) terminal.exit(interruptedExit);
    leave.abort(new CanopyError("unavailable", "interrupted"));
  });
  try {
    const { currency } = await client.status();
    const following = new Following(cli, client, job, teller, currency, leave.signal);
    const [ended] = await Promise.all([
      following.untilEnded(),
      following.printLines(options.logs ?? "main"),
    ]);
    teller.end();
    const result = await client.result(job.id);
    // Quiet is for what goes well: why a job failed is no progress.
    if (mode === "quiet" ? ended.phase !== "succeeded" : mode !== "json")
      tellEnd(following.progressOf(ended), result, terminal);
    return {
      result: cli.options.json === undefined ? undefined : jsonResult(ended, result),
      exitCode: exitCodeOf(ended),
    };
  } catch (thrown) {
    teller.end();
    if (!leave.signal.aborted) throw thrown;
    terminal.err.write(
      `${job.id} goes on. Come back with: canopy follow ${job.id}     End it with: canopy cancel ${job.id}\n`,
    );
    return { exitCode: interruptedExit };
  } finally {
    stopListening();
  }
}

function modeOf({ options, terminal }: Cli): ProgressMode {
  const asked = (options["progress"] ?? "auto") as ProgressMode | "auto";
  if (asked !== "auto") return asked;
  return terminal.err.isTty ? "tty" : "plain";
}

class Following {
  readonly #cli: Cli;
  readonly #client: Client;
  readonly #job: JobView;
  readonly #teller: Teller;
  readonly #currency: string;
  readonly #signal: AbortSignal;
  readonly #startedMs: number;

  constructor(
    cli: Cli,
    client: Client,
    job: JobView,
    teller: Teller,
    currency: string,
    signal: AbortSignal,
  ) {
    this.#cli = cli;
    this.#client = client;
    this.#job = job;
    this.#teller = teller;
    this.#currency = currency;
    this.#signal = signal;
    this.#startedMs = Date.parse(job.submittedAt);
  }

  progressOf(job: JobDetail, trouble?: string): Progress {
    const untilMs =
      job.endedAt === undefined ? this.#cli.terminal.world.clock.now() : Date.parse(job.endedAt);
    return {
      job,
      elapsedMs: Math.max(0, untilMs - this.#startedMs),
      currency: this.#currency,
      trouble,
    };
  }

  /** Tells progress until the job has ended; goes on after a broken connection. */
  async untilEnded(): Promise<JobDetail> {
    let latest: JobDetail | undefined;
    return await this.#again(
      async () => {
        for await (const job of this.#client.progress(this.#job.id, this.#signal)) {
          latest = job;
          this.#teller.tell(this.progressOf(job));
          if (job.phase !== "running") return job;
        }
        throw new CanopyError("unavailable", "Cannot follow further as the connection was ended");
      },
      (message) =>
        latest &&
        this.#teller.tell(
          this.progressOf(
            latest,
            `${message} Trying again; the job does not need this connection.`,
          ),
        ),
    );
  }

  /** Prints what tasks print, until the job has ended. */
  async printLines(whose: "main" | "all" | "none"): Promise<void> {
    if (whose === "none") return;
    let after: number | undefined;
    const main = `${this.#job.id}/${this.#job.mainStep ?? 0}`;
    if (whose === "main" && this.#job.mainStep === undefined && this.#job.steps !== 1) return;
    const task = whose === "all" ? {} : { task: main };
    const more = () => (after === undefined ? {} : { after });
    await this.#again(async () => {
      for await (const lines of this.#client.logs(this.#job.id, {
        follow: true,
        signal: this.#signal,
        ...task,
        ...more(),
      })) {
        this.#print(lines, whose);
        after = lines.at(-1)?.next ?? after;
      }
    });
  }

  #print(lines: readonly LogLineView[], whose: "main" | "all"): void {
    const { out, err } = this.#cli.terminal;
    const data = this.#cli.options.json === undefined ? out : err;
    this.#teller.around(() => {
      for (const { task, stream, text } of lines) {
        const target = stream === "stdout" ? data : err;
        const lead = whose === "all" ? `${target.paint("dim", task)} ` : "";
        target.write(`${lead}${stream === "canopy" ? target.paint("dim", text) : text}\n`);
      }
    });
  }

  /** Does `work`, again and again while the cloud cannot be reached, up to the patience. */
  async #again<T>(work: () => Promise<T>, onTrouble?: (message: string) => void): Promise<T> {
    const { clock } = this.#cli.terminal.world;
    let troubledMs: number | undefined;
    for (let turn = 0; ; turn++) {
      const startMs = clock.monotonicMs();
      try {
        return await work();
      } catch (thrown) {
        if (this.#signal.aborted || !isConnectionLoss(thrown)) throw thrown;
        // A connection that held for a while begins a new patience.
        if (clock.monotonicMs() - startMs > limits.reconnectMsMax) troubledMs = undefined;
        troubledMs ??= clock.monotonicMs();
        if (clock.monotonicMs() - troubledMs > patienceMs) throw thrown;
        onTrouble?.(`The connection to ${this.#client.url} was lost.`);
        await sleep(
          clock,
          Math.min(limits.reconnectMsMin * 2 ** turn, limits.reconnectMsMax),
          this.#signal,
        );
      }
    }
  }
}

/** A call that does not get through, or a stream that breaks. */
function isConnectionLoss(thrown: unknown): boolean {
  return thrown instanceof CanopyError && thrown.code === "unavailable";
}

const resultLengthMax = 300;

function tellEnd(progress: Progress, result: JobResult, { err }: Terminal): void {
  const { job } = progress;
  err.write(`${summary(progress, err)}\n`);
  if (job.phase === "succeeded") {
    if (result.resultBlob !== undefined)
      err.write(`  the result is large. Fetch it with: canopy result ${job.id}\n`);
    else if (result.result !== undefined && (decodeValue(result.result) ?? null) !== null) {
      const text = hasTagged(result.result)
        ? inspect(decodeValue(result.result), { breakLength: Infinity })
        : result.result;
      err.write(
        text.length <= resultLengthMax
          ? `  result ${text}\n`
          : `  result ${text.slice(0, resultLengthMax)}… All of it: canopy result ${job.id}\n`,
      );
    }
    return;
  }
  const reason = result.error?.message ?? result.reason ?? job.reason;
  if (reason !== undefined) err.write(`  ${err.paint("red", reason)}\n`);
  if (result.error?.stack !== undefined)
    err.write(`${err.paint("dim", indented(result.error.stack))}\n`);
  err.write(
    `${err.paint("cyan", "  next")} canopy why ${job.id}     canopy logs ${job.id}     canopy retry ${job.id}\n`,
  );
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}

function jsonResult(job: JobDetail, { result, resultBlob, error }: JobResult): Result {
  const value = {
    id: job.id,
    title: job.title,
    phase: job.phase,
    exitCode: exitCodeOf(job),
    submittedAt: job.submittedAt,
    endedAt: job.endedAt,
    reason: job.reason,
    result: result === undefined ? undefined : (JSON.parse(result) as unknown),
    resultBlob,
    error,
    tasks: job.tasks,
    usage: job.usage,
    kinds: job.kinds,
  };
  return { type: "done", value, message: "" };
}

/** The job's own; 1 for a failure that has none. */
function exitCodeOf({ phase, exitCode }: JobView): number {
  if (exitCode !== undefined) return exitCode;
  return phase === "succeeded" ? 0 : 1;
}
