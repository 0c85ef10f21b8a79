import type { AnyRecord } from "#/model/record.ts";
import { decodeRecords, faultOfRecord } from "../codec.ts";

/** Live records that follow each other by serial, read from a database as one text. */
export interface LivePage {
  /** The serial of the last. */
  last: number;
  count: number;
  /** With commas between. */
  bodies: string;
}

export interface LiveRow {
  serial: number;
  body: string;
}

/** The records of a page that comes after the serial `after`; undefined when one of them is not what was written. */
export function recordsOfPage(
  { last, count, bodies }: LivePage,
  after: number,
): AnyRecord[] | undefined {
  let records: AnyRecord[];
  try {
    records = decodeRecords(bodies);
  } catch {
    return undefined;
  }
  if (records.length !== count || records.at(-1)!.serial !== last) return undefined;
  let before = after;
  for (const { serial } of records) {
    if (!(serial > before)) return undefined;
    before = serial;
  }
  return records;
}

/** Why `recordsOfPage` gave none, by the rows of that page. */
export function faultOfPage(rows: Iterable<LiveRow>, after: number): string {
  for (const { serial, body } of rows) {
    const fault = faultOfRecord(serial, body);
    if (fault !== undefined) return `its record ${serial} is damaged: ${fault}`;
  }
  return `its records after ${after} are damaged`;
}
