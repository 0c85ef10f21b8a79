import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { sleep } from "#/base/clock.ts";
import { randomSecret } from "#/base/random.ts";
import type { Kind, RecordOfKind } from "#/model/record.ts";
import { Deposed, type Batch, type Leader, type Loaded, type SharedLog } from "#/space/log.ts";
import type { End } from "../world/connection.ts";
import type { Life } from "../world/life.ts";
import type { Machine } from "../world/machine.ts";
import {
  databasePort,
  type Answered,
  type Appended,
  type Question,
  type Settled,
} from "./database.ts";
import { write } from "./written.ts";

const answerMsMax = 5_000;
const againMs: [from: number, to: number] = [50, 500];

/** One connection to the database; when it is lost, so are the answers that had not come. */
class Line {
  #end: End | undefined;
  #opening: Promise<End> | undefined;
  #machine: Machine;
  #life: Life;
  #url: string;
  #onNews: () => void;
  #number = 0;
  #waiting = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();

  constructor(machine: Machine, life: Life, url: string, onNews: () => void) {
    this.#machine = machine;
    this.#life = life;
    this.#url = url;
    this.#onNews = onNews;
  }

  get isOpen(): boolean {
    return this.#end !== undefined && !this.#end.isClosed;
  }

  /** Throws "unavailable" when no answer came: it may have been done. */
  async ask(question: Question): Promise<unknown> {
    const end = await this.#opened();
    const number = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = this.#machine.world.after(answerMsMax, this.#life, "database timeout", () =>
        this.#lost(end, "no answer came"),
      );
      const done =
        <T>(action: (value: T) => void) =>
        (value: T) => {
          timer.cancel();
          this.#waiting.delete(number);
          action(value);
        };
      this.#waiting.set(number, { resolve: done(resolve), reject: done(reject) });
      end.send({ number, question }, 500, "asks database");
    });
  }

  close(): void {
    if (this.#end) this.#lost(this.#end, "closed");
  }

  #opened(): Promise<End> {
    if (this.#end && !this.#end.isClosed) return Promise.resolve(this.#end);
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #open(): Promise<End> {
    const end = await this.#machine.net.connect(this.#machine, this.#life, this.#url);
    this.#end = end;
    end.onPacket = (packet) => {
      const { number, value, error } = packet as Answered;
      if (number === 0) return this.#onNews();
      const waiting = this.#waiting.get(number);
      if (error) waiting?.reject(error);
      else waiting?.resolve(value);
    };
    end.onGone = (reason) => this.#lost(end, reason);
    return end;
  }

  #lost(end: End, reason: string): void {
    if (this.#end !== end) return;
    this.#end = undefined;
    end.leave();
    const waiting = [...this.#waiting.values()];
    for (const { reject } of waiting)
      reject(new CanopyError("unavailable", `Cannot reach the database: ${reason}`));
  }
}

/**
 * A log that control planes share, in a simulated database. An append whose answer was lost is settled
 * on another connection, by looking for it there: as that takes a new session, one that is still on its
 * way is refused when it comes.
 */
export class DatabaseLog implements SharedLog {
  onNews: () => void = () => {};
  #host: Pick<Host, "clock" | "random">;
  #writing: Line;
  #reading: Line;
  #machine: Machine;
  #holder: string;
  #epoch: number | undefined;
  #session: number | undefined;
  #isClosed = false;
  #appends = 0;

  constructor(
    machine: Machine,
    life: Life,
    host: Pick<Host, "clock" | "random">,
    database: Machine,
  ) {
    this.#host = host;
    this.#machine = machine;
    const url = `http://${database.name}:${databasePort}`;
    this.#writing = new Line(machine, life, url, () => {});
    this.#reading = new Line(machine, life, url, () => this.onNews());
    this.#holder = randomSecret(host.random);
  }

  agree(name: string, proposed: string): Promise<string> {
    return this.#reading.ask({ ask: "agree", name, proposed }) as Promise<string>;
  }

  async load(): Promise<Loaded> {
    if ((await this.lead("")) === undefined)
      throw new CanopyError("conflict", "Cannot open the log as another control plane leads it");
    return this.follow();
  }

  follow(): Promise<Loaded> {
    return this.#reading.ask({ ask: "follow" }) as Promise<Loaded>;
  }

  leader(): Promise<Leader | undefined> {
    return this.#reading.ask({ ask: "leader" }) as Promise<Leader | undefined>;
  }

  async lead(url: string): Promise<number | undefined> {
    const question: Question = { ask: "lead", holder: this.#holder, url };
    const epoch = (await this.#writing.ask(question)) as number | undefined;
    this.#epoch = epoch;
    this.#session = 1;
    return epoch;
  }

  async beat(): Promise<void> {
    const epoch = this.#leading();
    if (!(await this.#reading.ask({ ask: "beat", epoch }))) throw this.#deposed();
  }

  async resign(): Promise<void> {
    const epoch = this.#epoch;
    if (epoch === undefined) return;
    this.#epoch = undefined;
    await this.#reading.ask({ ask: "resign", epoch });
  }

  async append(batch: Batch): Promise<void> {
    const epoch = this.#leading();
    const written = { id: `${this.#holder} ${++this.#appends}`, text: write(batch) };
    while (!(await this.#appended(epoch, written)))
      await sleep(this.#host.clock, this.#machine.world.chance.spread(...againMs));
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    const found = await this.#reading.ask({ ask: "find", kind, names });
    return found as (RecordOfKind<K> | undefined)[];
  }

  async archived<K extends Kind>(
    kind: K,
    options: Parameters<SharedLog["archived"]>[1],
  ): Promise<RecordOfKind<K>[]> {
    return (await this.#reading.ask({ ask: "archived", kind, options })) as RecordOfKind<K>[];
  }

  read(sequence: number, max: number): Promise<Batch[]> {
    return this.#reading.ask({ ask: "read", sequence, max }) as Promise<Batch[]>;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.resign().catch(() => {});
    this.#isClosed = true;
    this.#writing.close();
    this.#reading.close();
  }

  /** True when the batch is durable, false when it has to be tried again. */
  async #appended(epoch: number, batch: { id: string; text: string }): Promise<boolean> {
    if (this.#isClosed) throw new CanopyError("unavailable", "Cannot append as the log was closed");
    try {
      if (this.#session === undefined || !this.#writing.isOpen) {
        const question: Question = { ask: "settle", epoch, id: batch.id };
        const { session, landed } = (await this.#writing.ask(question)) as Settled;
        this.#session = session;
        if (landed) return true;
        if (session === undefined) throw this.#deposed();
      }
      const session = this.#session!;
      const { id, text } = batch;
      const question: Question = { ask: "append", epoch, session, id, batch: text };
      const outcome = (await this.#writing.ask(question)) as Appended;
      if (outcome === "deposed") throw this.#deposed();
      if (outcome === "superseded") this.#session = undefined;
      return outcome === "done";
    } catch (thrown) {
      if (!(thrown instanceof CanopyError && thrown.code === "unavailable")) throw thrown;
      this.#session = undefined;
      return false;
    }
  }

  #leading(): number {
    if (this.#epoch === undefined) throw new Deposed();
    return this.#epoch;
  }

  #deposed(): Deposed {
    this.#epoch = undefined;
    return new Deposed();
  }
}
