import { CanopyError } from "#/base/errors.ts";
import type { AnyRecord, Kind, RecordOfKind } from "#/model/record.ts";
import type { Batch, Loaded, SpaceLog } from "../log.ts";

/** A log that lasts as long as the object: for tests, forks and simulations. */
export class MemoryLog implements SpaceLog {
  #live = new Map<string, AnyRecord>();
  #archive = new Map<string, AnyRecord>();
  #batches: Batch[] = [];
  #epoch = 0;

  async load(): Promise<Loaded> {
    return {
      sequence: this.#batches.length,
      serial: this.#batches.at(-1)?.serial ?? 0,
      epoch: ++this.#epoch,
      records: [...this.#live.values()].sort((a, b) => a.serial - b.serial),
    };
  }

  async append(batch: Batch): Promise<void> {
    if (batch.sequence !== this.#batches.length + 1) {
      throw new Error(`Cannot append batch ${batch.sequence} after ${this.#batches.length}`);
    }
    this.#batches.push(batch);
    for (const { op, record } of batch.changes) {
      const key = `${record.kind} ${record.name}`;
      if (op === "put" || op === "restore") {
        this.#live.set(key, record);
        this.#archive.delete(key);
      } else {
        this.#live.delete(key);
        if (op === "archive") this.#archive.set(key, record);
        else this.#archive.delete(key);
      }
    }
  }

  async find<K extends Kind>(
    kind: K,
    names: readonly string[],
  ): Promise<(RecordOfKind<K> | undefined)[]> {
    return names.map((name) => this.#archive.get(`${kind} ${name}`) as RecordOfKind<K> | undefined);
  }

  async archived<K extends Kind>(
    kind: K,
    options: { prefix?: string; before?: string; project?: string; phase?: string; limit: number },
  ): Promise<RecordOfKind<K>[]> {
    const { prefix = "", before, project, phase, limit } = options;
    const last = before === undefined ? undefined : this.#archive.get(`${kind} ${before}`);
    const isBefore = (record: AnyRecord) =>
      before === undefined ||
      (kind === "task" ? record.serial < (last?.serial ?? 0) : record.name < before);
    return ([...this.#archive.values()] as RecordOfKind<K>[])
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
    if (sequence > this.#batches.length) {
      throw new CanopyError(
        "not-found",
        `Cannot read changes after ${sequence} as the newest is ${this.#batches.length}`,
      );
    }
    return this.#batches.slice(sequence, sequence + max);
  }

  async close(): Promise<void> {}
}
