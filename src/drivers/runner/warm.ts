import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { limits } from "#/base/limits.ts";
import type { Process } from "#/base/processes.ts";
import type { FailureReason, TaskError } from "#/model/task.ts";
import { Confinement, markName } from "../confine.ts";
import type { DriverParts, Work } from "../driver.ts";
import { TaskOutput } from "../output.ts";
import { removeFolder } from "../remove-folder.ts";
import type { Seat } from "../admission.ts";
import { amountOf, board, endLineOf, fieldsOf, taskErrorOf, type EndLine } from "./lines.ts";

/** What a warm process tells the pool that it is of. */
export interface WarmEvents {
  loaded(warm: Warm): void;
  /** Some of its tasks ended, or it takes more. */
  moved(warm: Warm): void;
  ended(warm: Warm, line: EndLine): void;
  /** It did not begin these, and will not. */
  dropped(warm: Warm, work: Work[]): void;
  /** It has told all that it will, and no process is left of it. */
  gone(warm: Warm, end: WarmEnd): void;
}

export interface WarmEnd {
  /** Why it could not load its module. */
  broken: TaskError | undefined;
  reason: FailureReason;
  message: string;
  exitCode: number | undefined;
}

const childPath = fileURLToPath(import.meta.resolve(`./child${extname(import.meta.url)}`));

/** One runner process, seen from its agent: what it has been told, and what it is known to be at. */
export class Warm {
  readonly folder: string;
  /** Told and not yet answered, in order. */
  readonly flights = new Map<number, Work>();
  /** Steps that it has heard of, by full name. */
  readonly steps = new Map<string, number>();
  stepsHeard = 0;
  /** What map tasks under way have handed over, by number and partition. */
  readonly segments = new Map<number, Uint8Array[][]>();
  state: "loading" | "ready" | "taken-back" | "ending" | "gone" = "loading";
  seat: Seat | undefined;
  seatedMs = 0;
  idleMs = 0;
  /** When the first of its flights is taken to have begun. */
  headMs = 0;
  startedMs: number;
  /** Wall clock, when it last said something. */
  heardAt = 0;
  /** Given one task only, to see whether that ends it. */
  isAlone = false;
  /** A reduce task has it for itself. */
  isExclusive = false;
  isRetired = false;
  hasLoaded = false;
  tasksTold = 0;
  memoryBytes = 0;
  /** Why it is being ended by us, and for which task. */
  killedFor: { work: Work | undefined; reason: FailureReason; message: string } | undefined;
  cancelMs = 0;
  #parts: DriverParts;
  #events: WarmEvents;
  #process: Process;
  #confinement: Confinement;
  #pending = "";
  #number = 0;
  #bound = 0;
  /**
   * The last task that it may have begun when something was taken back: until that one has ended, it may say that
   * it refused it. User code can write an "x" too.
   */
  #refusable: number | undefined;
  #memoryMs = 0;
  #tail = "";
  #broken: TaskError | undefined;
  #raw: { work: Work; output: TaskOutput } | undefined;
  readonly gone: Promise<void>;

  constructor(
    parts: DriverParts,
    events: WarmEvents,
    /** The folder of that name must be there. */
    from: { name: string; modulePath: string; memoryBytes: number; milliCpus: number },
  ) {
    this.#parts = parts;
    this.#events = events;
    this.folder = join(parts.folder, from.name);
    this.startedMs = parts.clock.monotonicMs();
    this.#confinement = new Confinement(parts, from.name, {
      memoryBytes: from.memoryBytes + limits.runnerMemoryBytes,
      milliCpusShare: Math.max(100, from.milliCpus),
      processes: limits.taskProcessesMax,
    });
    const heapMiB = Math.max(32, Math.floor(from.memoryBytes / 1024 / 1024));
    const { cage, mark } = this.#confinement;
    this.#process = parts.processes.spawn(
      [
        parts.processes.nodePath,
        `--max-old-space-size=${heapMiB}`,
        childPath,
        from.modulePath,
        join(parts.folder, "compiled"),
      ],
      {
        folder: this.folder,
        env: { ...parts.env, [markName]: mark },
        channel: true,
        board: true,
        group: true,
        ...(cage && { cage }),
      },
    );
    this.#confinement.holds(this.#process);
    this.#process.stdin.end();
    this.#process.channel!.onLines = (lines) => this.#heard(lines);
    void this.#listen("stdout");
    void this.#listen("stderr");
    this.gone = this.#watch();
  }

  /** The number of the task that it last began, whether or not it has said so. */
  begun(): number {
    return this.#process.board!.read(board.begun);
  }

  head(): [number, Work] | undefined {
    for (const flight of this.flights) return flight;
    return undefined;
  }

  /** What it is at now: those before may be done and not told. */
  at(): Work | undefined {
    return this.flights.get(this.begun()) ?? this.head()?.[1];
  }

  /** Takes what it has done and not told out of its flights; gives that work in order. */
  forgetUntold(): Work[] {
    const begun = this.begun();
    if (!this.flights.has(begun)) return [];
    const untold: Work[] = [];
    for (const [number, work] of this.flights) {
      if (number >= begun) break;
      this.flights.delete(number);
      this.segments.delete(number);
      untold.push(work);
    }
    this.flights.get(begun)!.startedMs = this.headMs;
    return untold;
  }

  /** Gives a task its number; the line leaves with the next `flush`. */
  tell(work: Work, lineOf: (number: number) => string): number {
    const number = ++this.#number;
    if (this.flights.size === 0) this.#headIs(work);
    this.flights.set(number, work);
    this.tasksTold++;
    this.#pending += lineOf(number);
    return number;
  }

  say(line: string): void {
    this.#pending += `${line}\n`;
  }

  flush(): void {
    if (this.#pending === "") return;
    this.#process.channel!.write(this.#pending);
    this.#pending = "";
  }

  /** Writes what belongs to the task told last; resolves when there is room for more. */
  pour(content: Uint8Array): Promise<void> {
    this.flush();
    this.#process.channel!.write(content);
    return this.#process.channel!.drained();
  }

  /**
   * Takes back what it has not begun; gives that work in order. Until it says that it has dropped it,
   * it is told nothing more.
   */
  takeBack(): Work[] {
    this.#bound = Math.max(this.begun(), this.head()?.[0] ?? 0);
    if (this.#bound >= this.#number) return [];
    this.#process.board!.write(board.bound, this.#bound);
    // One more may have begun meanwhile, or be refused: it will say which.
    const last = Math.max(this.#bound, this.begun());
    const back = this.#drop(last);
    if (back.length > 0) this.state = "taken-back";
    else this.#process.board!.write(board.bound, 0);
    this.#refusable = back.length > 0 || last > this.#bound ? last : undefined;
    return back;
  }

  #drop(after: number): Work[] {
    const back: Work[] = [];
    for (const [number, work] of this.flights) {
      if (number <= after) continue;
      this.flights.delete(number);
      this.segments.delete(number);
      back.push(work);
    }
    return back;
  }

  kill(work: Work | undefined, reason: FailureReason, message: string): void {
    if (this.killedFor || this.state === "gone") return;
    this.killedFor = { work, reason, message };
    this.state = "ending";
    this.#process.signal("SIGKILL");
  }

  /** Lets it end by itself, as it has nothing to do. */
  quit(): void {
    if (this.state === "ending" || this.state === "gone") return;
    this.state = "ending";
    this.say("q");
    this.flush();
    this.#parts.clock.after(
      limits.killGraceMs,
      () => this.state !== "gone" && this.#process.signal("SIGKILL"),
      true,
    );
  }

  /** True when it holds more memory than it may and nothing else would end it. */
  look(nowMs: number): boolean {
    if (nowMs - this.#memoryMs < limits.usageEveryMs) return false;
    this.#memoryMs = nowMs;
    return this.#confinement.look();
  }

  #headIs(work: Work): void {
    this.headMs = this.#parts.clock.monotonicMs();
    work.startedMs = this.headMs;
  }

  #heard(lines: string[]): void {
    this.heardAt = this.#parts.clock.now();
    for (const line of lines) this.#hear(line);
    const head = this.head();
    if (head && head[1].startedMs === 0) this.#headIs(head[1]);
    this.#events.moved(this);
  }

  #hear(line: string): void {
    switch (line[0]) {
      case "r":
      case "p":
      case "f": {
        const ending = endLineOf(line);
        if (this.state === "ready" && ending.number === this.#refusable)
          this.#refusable = undefined;
        if (this.flights.has(ending.number)) this.#events.ended(this, ending);
        return;
      }
      case "l": {
        const [, number, stream, text] = fieldsOf(line, 4);
        const work = this.flights.get(Number(number));
        if (work) work.sink.log(work, streamOf(stream), text ?? "");
        return;
      }
      case "s": {
        const [, number, partition, chunk] = fieldsOf(line, 4);
        this.#keep(Number(number), Number(partition), chunk ?? "");
        return;
      }
      case "u":
        this.memoryBytes = amountOf(line.slice(2));
        return;
      case "x":
        this.#process.board!.write(board.bound, 0);
        this.say("v");
        this.flush();
        if (this.#refusable === undefined) return;
        this.#refusable = undefined;
        if (this.state === "taken-back") this.state = "ready";
        this.#events.dropped(this, this.#drop(this.#bound));
        return;
      case "z":
        this.isRetired = true;
        return;
      case "R":
        if (this.state !== "loading") return;
        this.state = "ready";
        this.hasLoaded = true;
        if (this.head()) this.#headIs(this.head()![1]);
        this.#events.loaded(this);
        return;
      case "B":
        if (this.state !== "loading") return;
        this.#broken ??= taskErrorOf(line.slice(2));
        this.kill(undefined, "not-started", this.#broken.message);
    }
  }

  #keep(number: number, partition: number, chunk: string): void {
    const work = this.flights.get(number);
    const shuffle = work?.brief.spec.shuffle;
    if (shuffle?.role !== "map" || !(partition >= 0 && partition < shuffle.partitions)) return;
    let segments = this.segments.get(number);
    if (!segments) {
      segments = Array.from({ length: shuffle.partitions }, () => []);
      this.segments.set(number, segments);
    }
    segments[partition]!.push(Buffer.from(`${chunk}\n`));
  }

  /** What did not come through the channel: native code, and programs that a task started. */
  async #listen(stream: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const piece of this.#process[stream]) {
        const text = decoder.decode(piece, { stream: true });
        if (stream === "stderr")
          this.#tail = (this.#tail + text).slice(-limits.failureTailBytesMax * 4);
        const work = this.head()?.[1];
        if (!work) continue;
        if (this.#raw?.work !== work) {
          this.#raw?.output.end();
          const output = new TaskOutput((where, line) => work.sink.log(work, where, line));
          this.#raw = { work, output };
        }
        this.#raw.output.write(stream, text);
      }
    } catch {
      // it broke off with the process
    }
  }

  async #watch(): Promise<void> {
    const { code, signal } = await this.#process.ended.catch((thrown: Error) => {
      this.#broken ??= { reason: "not-started", message: thrown.message };
      return { code: undefined, signal: undefined };
    });
    const isOutOfMemory = this.#confinement.ranOutOfMemory();
    await this.#confinement.end();
    await this.#process.channel?.closed;
    this.#raw?.output.end();
    this.state = "gone";
    this.#events.gone(this, {
      broken: this.#broken,
      ...this.#reasonOf(code, signal, isOutOfMemory),
      exitCode: code,
    });
    this.#process.board?.close();
    await removeFolder(this.#parts, this.folder);
  }

  #reasonOf(
    code: number | undefined,
    signal: string | undefined,
    isOutOfMemory: boolean,
  ): { reason: FailureReason; message: string } {
    if (this.killedFor) return this.killedFor;
    const heap = /heap out of memory|Array buffer allocation failed/.test(this.#tail);
    if (isOutOfMemory || heap)
      return { reason: "out-of-memory", message: "It took more memory than it may" };
    if (signal) return { reason: "signalled", message: `Its process was ended by ${signal}` };
    return { reason: "exited", message: `Its process ended with code ${code ?? "unknown"}` };
  }
}

function streamOf(text: string | undefined): "stdout" | "stderr" | "canopy" {
  return text === "stderr" || text === "canopy" ? text : "stdout";
}
