import type { AnyRecord, Change } from "#/model/record.ts";
import { letters, ops } from "../../codec.ts";
import type { Batch } from "../../log.ts";
import type { Extents } from "../extents.ts";
import { rangesOf } from "../ranges.ts";

/**
 * What the function `append` takes, after the epoch and the session: nulls stand for columns with nothing in
 * them. `encoded` are the records of the changes, as they are written.
 */
export function appendValues(
  batch: Batch,
  encoded: readonly string[],
  extents: Extents,
): (string | number | null)[] {
  const { sequence, serial, changes } = batch;
  const { added, set, gone, ended, back, made } = sort(changes);
  const bodies = (indexes: readonly number[]) =>
    orNull(indexes, () => indexes.map((index) => encoded[index]).join("\n"));
  const records = (indexes: readonly number[]) => indexes.map((index) => changes[index]!.record);
  const column = <T extends string | number | null>(
    indexes: readonly number[],
    pick: (record: AnyRecord) => T,
  ) => orNull(indexes, () => arrayOf(records(indexes).map(pick)));
  const ranges = rangesOf(gone);
  const newExtents = extents.of(records(made));
  return [
    sequence,
    serial,
    changes.map(({ op }) => letters[op]).join(""),
    encoded.join("\n"),
    column(added, (record) => record.serial),
    bodies(added),
    column(set, (record) => record.serial),
    bodies(set),
    orNull(ranges, () => arrayOf(ranges.map(([first]) => first))),
    orNull(ranges, () => arrayOf(ranges.map(([, last]) => last))),
    column(ended, (record) => record.serial),
    column(ended, ({ kind }) => kind),
    column(ended, ({ kind, name }) => (kind === "task" ? null : name)),
    column(ended, ({ project }) => project),
    column(ended, ({ status }) => (status as { phase?: string }).phase ?? null),
    bodies(ended),
    orNull(back, () => arrayOf(back)),
    orNull(newExtents, () => arrayOf(newExtents.map(({ step }) => step))),
    orNull(newExtents, () => arrayOf(newExtents.map(({ first }) => first))),
    orNull(newExtents, () => arrayOf(newExtents.map(({ serial: of }) => of))),
    orNull(newExtents, () => arrayOf(newExtents.map(({ count }) => count))),
  ];
}

/** Where each record goes, by the index of the last of its changes; `gone` and `back` are serials. */
function sort(changes: readonly Change[]) {
  const news = new Map<number, { index: number; isNew: boolean }>();
  changes.forEach(({ record: { serial, revision } }, index) => {
    news.set(serial, { index, isNew: news.get(serial)?.isNew ?? revision === 1 });
  });
  const added: number[] = [];
  const set: number[] = [];
  const gone: number[] = [];
  const ended: number[] = [];
  const back: number[] = [];
  const made: number[] = [];
  for (const [serial, { index, isNew }] of news) {
    const { op, record } = changes[index]!;
    if (isNew && record.kind === "task") made.push(index);
    if (op === "put" || op === "restore") (isNew ? added : set).push(index);
    else if (!isNew) gone.push(serial);
    if (op === "archive") ended.push(index);
    else if (!isNew && op !== "put") back.push(serial);
  }
  return { added, set, gone, ended, back, made };
}

function orNull<T>(items: readonly unknown[], make: () => T): T | null {
  return items.length === 0 ? null : make();
}

/** An array as PostgreSQL reads one. */
export function arrayOf(items: readonly (string | number | null)[]): string {
  return `{${items.map(itemOf).join(",")}}`;
}

function itemOf(item: string | number | null): string | number {
  if (typeof item === "number") return item;
  if (item === null) return "NULL";
  return /^[a-z0-9][a-z0-9/_-]*$/.test(item) && item !== "null"
    ? item
    : `"${item.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The ops that letters stand for; undefined when there are others among them. */
export function opsOf(text: string): Change["op"][] | undefined {
  const found = Array.from(text, (letter) => ops[letter as keyof typeof ops]);
  return found.includes(undefined as never) ? undefined : found;
}
