import { messageOf } from "#/base/errors.ts";
import type { AnyRecord } from "#/model/record.ts";
import { indexOfTask } from "#/model/task.ts";
import { decodeRecord, faultOfRecord } from "../codec.ts";
import type { Extent } from "./extents.ts";

/** Faults of a log that can be mended without losing a record that is there. */
export type Mendable =
  | "write-ahead"
  | "changes"
  | "names"
  | "indexes"
  | "twice"
  | "count"
  | "leader";

export interface LogFault {
  detail: string;
  mend?: Mendable;
}

/** Takes each record that could be read. */
export type OnRecord = (record: AnyRecord, isLive: boolean) => void;

const told = 5;

/** What is wrong with a log, gathered while all of its rows go by: the same words for each kind of log. */
export class Examination {
  readonly faults: LogFault[] = [];
  #onRecord: OnRecord;
  #counts = new Map<string, number>();
  #next: number | undefined;

  constructor(onRecord: OnRecord) {
    this.#onRecord = onRecord;
  }

  /** The next batch of the changes, the oldest first; `decode` throws what is wrong with it. */
  batch(sequence: number, decode: () => unknown): void {
    if (this.#next !== undefined && sequence !== this.#next)
      this.fault("changes", `Batch ${this.#next} of the changes is missing`, "changes");
    this.#next = sequence + 1;
    try {
      decode();
    } catch (thrown) {
      const detail = `Batch ${sequence} of the changes is damaged: ${messageOf(thrown)}`;
      this.fault("changes", detail, "changes");
    }
  }

  /** Told when the changes do not end with what was appended last, but at the record `serial`. */
  endsEarly(serial: number): void {
    const detail = `The newest batches are missing: they end at record ${serial}`;
    this.fault("changes", detail, "changes");
  }

  /** A row of records; gives the record when it is whole. Its name is looked at by `named`. */
  record(serial: number, body: string, isLive: boolean): AnyRecord | undefined {
    const fault = faultOfRecord(serial, body);
    if (fault !== undefined) {
      this.fault("records", `Record ${serial} is damaged: ${fault}`);
      return undefined;
    }
    const record = decodeRecord(body);
    this.#onRecord(record, isLive);
    return record;
  }

  /** Records that are kept together, and were read. */
  see(record: AnyRecord, isLive: boolean): void {
    this.#onRecord(record, isLive);
  }

  twice(serial: number): void {
    this.fault("twice", `Record ${serial} is live and archived`, "twice");
  }

  /** A task must be found by its name where it is; `extent` is where its step's tasks are said to be, of those up to its index the last. */
  named({ name, serial }: AnyRecord, extent: Omit<Extent, "step"> | undefined): void {
    const index = indexOfTask(name);
    const isFound =
      extent &&
      index < extent.first + extent.count &&
      extent.serial + index - extent.first === serial;
    if (!isFound) this.fault("names", `The task ${name} is not found by its name`, "names");
  }

  /** A few of a sort are told, the rest only counted as one. */
  fault(sort: string, detail: string, mend?: Mendable): void {
    const count = (this.#counts.get(sort) ?? 0) + 1;
    this.#counts.set(sort, count);
    if (count > told + 1) return;
    const text = count > told ? "There are more of that sort" : detail;
    this.faults.push({ detail: text, ...(mend && { mend }) });
  }
}
