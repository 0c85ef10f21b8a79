import { CanopyError, messageOf } from "#/base/errors.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { decodeRecords } from "../../codec.ts";
import type { Batch } from "../../log.ts";
import type { Query } from "./archive.ts";
import { damaged } from "./damage.ts";
import { opsOf } from "./encode.ts";

/** The newest batch that was read. */
export interface Seen {
  sequence: number;
  digest: string | undefined;
}

interface Row {
  sequence: number;
  serial: number;
  digest: string;
  ops: string;
  body: string;
}

/** What the changes of a batch are decoded from. */
type Encoded = Pick<Row, "ops" | "body">;

/**
 * The batches that are kept. Who reads on from one that it has read sees that it is still the same: when a
 * server is lost together with a batch that no standby had, another batch may come to bear its number.
 */
export class Changes {
  #query: Query;
  #s: string;
  #seen: Seen = { sequence: 0, digest: undefined };

  constructor(query: Query, s: string) {
    this.#query = query;
    this.#s = s;
  }

  /** Notes what was read otherwise. */
  saw(seen: Seen): void {
    this.#seen = seen;
  }

  /** See `SpaceLog.read`: also of batches that another process appended meanwhile. */
  async read(sequence: number, max: number): Promise<Batch[]> {
    const rows = await this.#query<Row>(
      `SELECT sequence, serial, digest, ops, CASE WHEN sequence > $1 THEN body END AS body
         FROM ${this.#s}.changes WHERE sequence >= $1 ORDER BY sequence LIMIT $2`,
      [sequence, max + 1],
    );
    const before = rows[0]?.sequence === sequence ? rows.shift() : undefined;
    if (before && !this.#isSame(before)) throw gone(sequence, "another batch has its number");
    if (rows[0]?.sequence !== sequence + 1) await this.#requireEnd(sequence, rows.length);
    for (const [index, row] of rows.entries())
      if (row.sequence !== sequence + 1 + index) throw missing(sequence + 1 + index);
    const batches = rows.slice(0, max).map((row) => ({
      sequence: row.sequence,
      serial: row.serial,
      changes: changesOf(row),
    }));
    const last = rows[batches.length - 1];
    if (last && last.sequence > this.#seen.sequence) this.#seen = last;
    return batches;
  }

  #isSame({ sequence, digest }: Row): boolean {
    const seen = this.#seen;
    return sequence !== seen.sequence || seen.digest === undefined || digest === seen.digest;
  }

  /** Throws unless there is nothing after this one yet. */
  async #requireEnd(sequence: number, rowsAfter: number): Promise<void> {
    const [kept] = await this.#query<{ newest: number; oldest: number }>(
      `SELECT sequence AS newest,
           coalesce((SELECT min(sequence) FROM ${this.#s}.changes), sequence + 1) AS oldest
         FROM ${this.#s}.leader`,
      [],
    );
    const { newest, oldest } = kept!;
    if (sequence + 1 < oldest || sequence > newest)
      throw gone(sequence, `they are kept from ${oldest} to ${newest}`);
    // Otherwise one was appended between the two looks.
    if (rowsAfter > 0) throw missing(sequence + 1);
  }
}

function gone(sequence: number, why: string): CanopyError {
  return new CanopyError("not-found", `Cannot read changes after ${sequence} as ${why}`, {
    hint: "Read the current state, then follow from there",
  });
}

function missing(sequence: number): CanopyError {
  return damaged(`batch ${sequence} of its changes is missing`);
}

function changesOf(row: Row): Change[] {
  try {
    return decodeBatch(row);
  } catch (thrown) {
    throw damaged(`batch ${row.sequence} of its changes is damaged: ${messageOf(thrown)}`);
  }
}

/** Throws what is wrong with what is kept of a batch. */
export function decodeBatch({ ops, body }: Encoded): Change[] {
  if (ops === "" && body === "") return [];
  const letters = opsOf(ops);
  const records: AnyRecord[] = decodeRecords(body.replaceAll("\n", ","));
  if (records.length !== letters?.length)
    throw new Error(`it must have ${ops.length} changes: it has ${records.length} records`);
  return records.map((record, index) => ({ op: letters[index]!, record }));
}
