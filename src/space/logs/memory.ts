import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Kind, RecordOfKind } from "#/model/record.ts";
import { Deposed, type Batch, type Leader, type Loaded, type SharedLog } from "../log.ts";

/** What the logs of several control planes share when it is memory: what a database is to those that last. */
export class SharedMemory {
  readonly live = new Map<string, AnyRecord>();
  readonly archive = new Map<string, AnyRecord>();
  readonly batches: Batch[] = [];
  /** Batches dropped from the front. */
  dropped = 0;
  epoch = 0;
  leader: { log: MemoryLog; url: string; heardMs: number } | undefined;
  readonly logs = new Set<MemoryLog>();
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly batchesKept: number;

  /** With no clock given, no leader ever grows silent. At least one batch is kept. */
  constructor(
    clock: Pick<Clock, "monotonicMs"> = { monotonicMs: () => 0 },
    batchesKept = Infinity,
  ) {
    this.clock = clock;
    this.batchesKept = batchesKept;
  }

  get sequence(): number {
    return this.dropped + this.batches.length;
  }

  append(batch: Batch): void {
    if (batch.sequence !== this.sequence + 1) {
      throw new Error(`Cannot append batch ${batch.sequence} after ${this.sequence}`);
    }
    this.batches.push(batch);
    this.dropped += this.batches.splice(0, this.batches.length - this.batchesKept).length;
    for (const { op, record } of batch.changes) {
      const key = `${record.kind} ${record.name}`;
      if (op === "put" || op === "restore") {
        this.live.set(key, record);
        this.archive.delete(key);
      } else {
        this.live.delete(key);
        if (op === "archive") this.archive.set(key, record);
        else this.archive.delete(key);
      }
    }
  }

  tell(from: MemoryLog): void {
    for (const log of this.logs) if (log !== from) log.onNews();
  }
}

/** A log that lasts as long as what it shares with others: for tests, forks and simulations. */
export class MemoryLog implements SharedLog {
  onNews: () => void = () => {};
  #shared: SharedMemory;

  constructor(shared = new SharedMemory()) {
    this.#shared = shared;
  }

  async load(): Promise<Loaded> {
    if (this.#lead("") === undefined) {
      throw new CanopyError(
        "conflict",
        `Cannot open the log as '${this.#shared.leader?.url}' leads it`,
      );
    }
    return this.#loaded();
  }

  async follow(): Promise<Loaded> {
    return this.#loaded();
  }

  #loaded(): Loaded {
    const { live, sequence, epoch, batches, logs } = this.#shared;
    logs.add(this);
    return {
      sequence,
      serial: batches.at(-1)?.serial ?? 0,
      epoch,
      records: [...live.values()].sort((a, b) => a.serial - b.serial),
    };
  }

  async leader(): Promise<Leader | undefined> {
    const { leader, epoch, clock } = this.#shared;
    return leader && { epoch, url: leader.url, silentMs: clock.monotonicMs() - leader.heardMs };
  }

  async lead(url: string): Promise<number | undefined> {
    return this.#lead(url);
  }

  #lead(url: string): number | undefined {
    const shared = this.#shared;
    const { leader, clock } = shared;
    const nowMs = clock.monotonicMs();
    if (leader && leader.log !== this && nowMs - leader.heardMs < limits.leaderSilentMs) {
      return undefined;
    }
    shared.leader = { log: this, url, heardMs: nowMs };
    shared.epoch += 1;
    shared.tell(this);
    return shared.epoch;
  }

  async beat(): Promise<void> {
    this.#beat();
  }

  #beat(): void {
    const { leader, clock } = this.#shared;
    if (leader?.log !== this || leader.heardMs === -Infinity) throw new Deposed();
    leader.heardMs = clock.monotonicMs();
  }

  async resign(): Promise<void> {
    const { leader } = this.#shared;
    if (leader?.log !== this) return;
    leader.heardMs = -Infinity;
    this.#shared.tell(this);
  }

  async append(batch: Batch): Promise<void> {
    this.#beat();
    this.#shared.append(batch);
    this.#shared.tell(this);
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    return names.map(
      (name) => this.#shared.archive.get(`${kind} ${name}`) as RecordOfKind<K> | undefined,
    );
  }

  async archived<K extends Kind>(
    kind: K,
    options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
  ): Promise<RecordOfKind<K>[]> {
    const { prefix = "", before, project, phase, limit } = options;
    const last = before === undefined ? undefined : this.#shared.archive.get(`${kind} ${before}`);
    const isBefore = (record: AnyRecord) =>
      before === undefined ||
      (kind === "task" ? record.serial < (last?.serial ?? 0) : record.name < before);
    return ([...this.#shared.archive.values()] as RecordOfKind<K>[])
      .filter(
        (record) =>
          record.kind === kind &&
          record.name.startsWith(prefix) &&
          isBefore(record) &&
          (project === undefined || record.project === project) &&
          (phase === undefined || (record.status as { phase?: string }).phase === phase),
      )
      .sort((a, b) => (kind === "task" ? b.serial - a.serial : a.name < b.name ? 1 : -1))
      .slice(0, limit);
  }

  async read(sequence: number, max: number): Promise<Batch[]> {
    const { batches, dropped, sequence: newest } = this.#shared;
    if (sequence > newest || sequence < dropped) {
      throw new CanopyError(
        "not-found",
        `Cannot read changes after ${sequence} as they are kept from ${dropped + 1} to ${newest}`,
      );
    }
    return batches.slice(sequence - dropped, sequence - dropped + max);
  }

  async close(): Promise<void> {
    await this.resign();
    this.#shared.logs.delete(this);
  }
}
