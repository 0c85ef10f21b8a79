import { execFileSync, spawn } from "node:child_process";
import { openSync, closeSync, fstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const readyMsMax = 60_000;
const saidBytesMax = 1000;

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

/**
 * Who becomes the parent of a process whose own has ended: the first process, or one between it and this one that
 * asked for that, as some supervisors do.
 */
export function parentOfOrphans(): number {
  const orphan = Number(execFileSync("sh", ["-c", "sleep 60 >/dev/null 2>&1 & echo $!"]));
  try {
    return seeProcess(orphan)!.parent;
  } finally {
    signal(orphan, "SIGKILL");
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

/** One run of a program, from its start to its end. */
export interface Life {
  /** Whether it had printed a line: that it is ready. */
  hasSaid: boolean;
  /** How it ended, once it has, in words; and its status, if it had one. */
  how: string;
  status: number | undefined;
  /** The end of what it wrote to its log. */
  said: string;
}

/**
 * A program that is started again whenever it ends, as an init system would: some time after it was
 * killed, at once after it ended by itself.
 */
export class Program {
  readonly name: string;
  /** Every process id that it ever had. */
  readonly pids: number[] = [];
  /** Those of its lives whose end nobody asked for. */
  readonly ownEnds: Life[] = [];
  #options: () => ProgramOptions;
  #pid: number | undefined;
  #downMs = 0;
  #isKilled = false;
  #isWanted = true;
  #turns: Promise<void>;
  /** Until it ends, or is killed. */
  #life: Life | undefined;
  /** Of the present life, or of the next while there is none. */
  #ready = Promise.withResolvers<string>();
  #stopped = new AbortController();

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
    return this.#life?.hasSaid === false;
  }

  /** Whether it runs and has said that it is ready. */
  get isReady(): boolean {
    return this.#life?.hasSaid === true;
  }

  /** The first line that the present life printed, or the next one's: after a kill always of the next. Throws when none comes for long. */
  async ready(): Promise<string> {
    const waiting = new AbortController();
    const tooLong = sleep(readyMsMax, undefined, { signal: waiting.signal }).then(() => {
      const said = readFileSync(this.#options().logFile, "utf8").slice(-saidBytesMax);
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
    this.#endLife(this.#life);
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
      const life = await this.#run();
      if (!this.#isWanted) break;
      if (!this.#isKilled) this.ownEnds.push(life);
      const downMs = this.#isKilled ? this.#downMs : 200;
      this.#isKilled = false;
      await sleep(downMs, undefined, { signal: this.#stopped.signal }).catch(() => {});
    }
  }

  #run(): Promise<Life> {
    const { command, env, logFile } = this.#options();
    const log = openSync(logFile, "a");
    const logFrom = fstatSync(log).size;
    const [program = "", ...args] = command;
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", log] });
    closeSync(log);
    const life: Life = { hasSaid: false, how: "", status: undefined, said: "" };
    this.#life = life;
    this.#pid = child.pid;
    if (child.pid !== undefined) this.pids.push(child.pid);
    let text = "";
    child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
      if (life.hasSaid) return;
      text += piece;
      // What was printed may be read after the end of who printed it.
      life.hasSaid = text.includes("\n");
      if (life.hasSaid && this.#life === life)
        this.#ready.resolve(text.slice(0, text.indexOf("\n")));
    });
    return new Promise((resolve) => {
      const end = (how: string, status?: number): void => {
        this.#pid = undefined;
        this.#endLife(life);
        const said = readFileSync(logFile).subarray(logFrom).subarray(-saidBytesMax).toString();
        resolve(Object.assign(life, { how, status, said }));
      };
      child.once("error", (thrown) => end(String(thrown)));
      child.once("exit", (code, name) =>
        code === null ? end(`${name}`) : end(`status ${code}`, code),
      );
    });
  }

  /** Who waits for one that was never ready waits for the next. */
  #endLife(life: Life | undefined): void {
    if (!life || this.#life !== life) return;
    this.#life = undefined;
    if (life.hasSaid) this.#ready = Promise.withResolvers();
  }
}

/**
 * Ends all processes whose command line names `folder`: what is left of programs started there. Those of PostgreSQL, which
 * do not end by themselves while they are paused, do not name it, and work in it.
 */
export function endAllOf(folder: string): void {
  for (const { pid, command } of allProcesses()) {
    if (pid === process.pid) continue;
    const isOfDatabase = command.startsWith("postgres") && worksIn(pid).startsWith(`${folder}/`);
    if (command.includes(folder) || isOfDatabase) signal(pid, "SIGKILL");
  }
}

/** The folder in which a process works; none for one that has ended, or is another user's. */
function worksIn(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
