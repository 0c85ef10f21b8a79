import type { AnyRecord, Change } from "#/model/record.ts";
import { readyStatus } from "#/model/task.ts";

/** A record as one JSON array; a status that a million tasks share is written as 0. */
export function encodeRecord(record: AnyRecord): string {
  const { kind, project, serial, name, revision, spec, status } = record;
  return JSON.stringify([
    kind,
    project,
    serial,
    name,
    revision,
    spec,
    status === readyStatus ? 0 : status,
  ]);
}

export function decodeRecord(text: string): AnyRecord {
  return recordOf(JSON.parse(text));
}

/** Many encoded records at once, with commas between: faster than one by one. */
export function decodeRecords(texts: string): AnyRecord[] {
  return (JSON.parse(`[${texts}]`) as Fields[]).map(recordOf);
}

type Fields = [
  kind: string,
  project: string,
  serial: number,
  name: string,
  revision: number,
  spec: object,
  status: object | 0,
];

/** Few kinds and projects stand in many records: each text is kept once. */
const shared = new Map<string, string>();

function share(text: string): string {
  const known = shared.get(text);
  if (known !== undefined) return known;
  if (shared.size < 10_000) shared.set(text, text);
  return text;
}

function recordOf([kind, project, serial, name, revision, spec, status]: Fields): AnyRecord {
  return {
    kind: share(kind),
    project: share(project),
    serial,
    name,
    revision,
    spec,
    status: status === 0 ? readyStatus : status,
  } as AnyRecord;
}

const letters = { put: "p", archive: "a", restore: "r", delete: "d" } as const;
const ops = { p: "put", a: "archive", r: "restore", d: "delete" } as const;

/** Changes as JSON, from records encoded before: each is written once for both of its places. */
export function encodeChanges(changes: readonly Change[], encoded: readonly string[]): string {
  return `[${changes.map(({ op }, index) => `["${letters[op]}",${encoded[index]}]`).join(",")}]`;
}

export function decodeChanges(text: string): Change[] {
  const parsed = JSON.parse(text) as [keyof typeof ops, Fields][];
  return parsed.map(([letter, fields]) => ({ op: ops[letter], record: recordOf(fields) }));
}
