import { spawn } from "node:child_process";
import { openSync, closeSync, readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const readyMsMax = 60_000;

/** What is known of a process by its id; undefined when there is none. */
export interface Seen {
  parent: number;
  state: string;
  command: string;
}

export function seeProcess(pid: number): Seen | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    return { parent: Number(parent), state, command };
  } catch {
    return undefined;
  }
}

export function allProcesses(): (Seen & { pid: number })[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    const seen = Number.isInteger(pid) ? seeProcess(pid) : undefined;
    return seen ? [{ ...seen, pid }] : [];
  });
}

/** Sends a signal; false when there is no such process any more. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

export interface ProgramOptions {
  command: string[];
  env: Record<string, string>;
  /** Where what it says to stderr goes. */
  logFile: string;
}

/**
 * A program that is started again whenever it ends, as an init system would: some time after it was
 * killed, at once after it ended by itself.
 */
export class Program {
  readonly name: string;
  /** Every process id that it ever had. */
  readonly pids: number[] = [];
  /** Its ends that nobody asked for, with the status. */
  readonly ownEnds: string[] = [];
  #options: () => ProgramOptions;
  #pid: number | undefined;
  #downMs = 0;
  #isKilled = false;
  #isWanted = true;
  #turns: Promise<void>;
  #ready = Promise.withResolvers<string>();
  #stopped = new AbortController();
  #hasSaid = false;

  /** Starts it. Options are asked for at each start. */
  constructor(name: string, options: () => ProgramOptions) {
    this.name = name;
    this.#options = options;
    this.#turns = this.#keepUp();
  }

  /** While it runs, or is starting. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Whether it runs and has not said yet that it is ready. */
  get isStarting(): boolean {
    return this.#pid !== undefined && !this.#hasSaid;
  }

  /** The first line that the present run printed, or the next one's. Throws when none comes for long. */
  async ready(): Promise<string> {
    const waiting = new AbortController();
    const tooLong = sleep(readyMsMax, undefined, { signal: waiting.signal }).then(() => {
      const said = readFileSync(this.#options().logFile, "utf8").slice(-1000);
      throw new Error(`${this.name} was not ready in ${readyMsMax} ms, and said: ${said}`);
    });
    try {
      return await Promise.race([this.#ready.promise, tooLong]);
    } finally {
      tooLong.catch(() => {});
      waiting.abort();
    }
  }

  /** kill -9; it comes back after `downMs`. */
  kill(downMs: number): boolean {
    if (this.#pid === undefined || this.#isKilled) return false;
    this.#downMs = downMs;
    this.#isKilled = true;
    return signal(this.#pid, "SIGKILL");
  }

  pause(): boolean {
    return this.#pid !== undefined && !this.#isKilled && signal(this.#pid, "SIGSTOP");
  }

  resume(): void {
    if (this.#pid !== undefined) signal(this.#pid, "SIGCONT");
  }

  /** Ends it for good, gently at first. */
  async stop(name: NodeJS.Signals = "SIGTERM", graceMs = 8000): Promise<void> {
    this.#isWanted = false;
    this.#stopped.abort();
    this.resume();
    if (this.#pid !== undefined) signal(this.#pid, name);
    const timer = setTimeout(
      () => this.#pid !== undefined && signal(this.#pid, "SIGKILL"),
      graceMs,
    );
    await this.#turns;
    clearTimeout(timer);
  }

  async #keepUp(): Promise<void> {
    while (this.#isWanted) {
      const status = await this.#run();
      if (!this.#isWanted) break;
      if (!this.#isKilled) this.ownEnds.push(status);
      const downMs = this.#isKilled ? this.#downMs : 200;
      this.#isKilled = false;
      await sleep(downMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  #run(): Promise<string> {
    const { command, env, logFile } = this.#options();
    const log = openSync(logFile, "a");
    const [program = "", ...args] = command;
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", log] });
    closeSync(log);
    this.#hasSaid = false;
    this.#pid = child.pid;
    if (child.pid !== undefined) this.pids.push(child.pid);
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
      if (text.includes("\n")) return;
      text += piece;
      this.#hasSaid = text.includes("\n");
      if (this.#hasSaid) this.#ready.resolve(text.slice(0, text.indexOf("\n")));
    });
    return new Promise((resolve) => {
      child.once("error", (thrown) => resolve(String(thrown)));
      child.once("exit", (code, name) => {
        this.#pid = undefined;
        if (text.includes("\n")) this.#ready = Promise.withResolvers();
        resolve(`ended by itself with ${code === null ? name : `status ${code}`}`);
      });
    });
  }
}

/** Ends all processes whose command line names `folder`: what is left of programs started there. */
export function endAllOf(folder: string): void {
  for (const { pid, command } of allProcesses())
    if (pid !== process.pid && command.includes(folder)) signal(pid, "SIGKILL");
}
