import { CanopyError } from "#/base/errors.ts";
import type { AnyRecord, Kind, RecordOfKind } from "#/model/record.ts";
import type { Batch, SpaceLog } from "#/space/log.ts";

/** Who is told of each batch the moment that it is durable, and of the epochs under which they are written. */
export interface Told {
  epoch: number;
  take(batch: Batch): void;
  /** The log was read again and ends here. */
  reloaded(sequence: number): void;
}

/** What batches amount to: live records, archived ones, and the batches themselves. */
export class LogState {
  readonly batches: Batch[] = [];
  #live = new Map<string, AnyRecord>();
  #archive = new Map<string, AnyRecord>();

  get sequence(): number {
    return this.batches.length;
  }

  get serial(): number {
    return this.batches.at(-1)?.serial ?? 0;
  }

  records(): AnyRecord[] {
    return [...this.#live.values()].sort((a, b) => a.serial - b.serial);
  }

  take(batch: Batch): void {
    if (batch.sequence !== this.batches.length + 1)
      throw new Error(`Cannot append batch ${batch.sequence} after ${this.batches.length}`);
    this.batches.push(batch);
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

  find<K extends Kind>(kind: K, names: readonly string[]): (RecordOfKind<K> | undefined)[] {
    return names.map((name) => this.#archive.get(`${kind} ${name}`) as RecordOfKind<K> | undefined);
  }

  archived<K extends Kind>(
    kind: K,
    options: Parameters<SpaceLog["archived"]>[1],
  ): RecordOfKind<K>[] {
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

  read(sequence: number, max: number): Batch[] {
    if (sequence > this.batches.length) {
      throw new CanopyError(
        "not-found",
        `Cannot read changes after ${sequence} as the newest is ${this.batches.length}`,
      );
    }
    return this.batches.slice(sequence, sequence + max);
  }
}
