import { messageOf } from "#/base/errors.ts";
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

/** What is wrong with a record as it is kept under `serial`; undefined when nothing is. */
export function faultOfRecord(serial: number, body: string): string | undefined {
  try {
    const record = decodeRecord(body);
    if (record.serial !== serial) return `it says to be record ${record.serial}`;
    const isWhole =
      typeof record.kind === "string" &&
      typeof record.name === "string" &&
      record.revision > 0 &&
      typeof record.spec === "object" &&
      typeof record.status === "object";
    return isWhole ? undefined : "a part of it is missing";
  } catch (thrown) {
    return messageOf(thrown);
  }
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

/** How a change's op is written, and read again. */
export const letters = { put: "p", archive: "a", restore: "r", delete: "d" } as const;
export const ops = { p: "put", a: "archive", r: "restore", d: "delete" } as const;

/** One change as JSON, from its record encoded before: that is written once for both of its places. */
export function encodeChange(op: Change["op"], encoded: string): string {
  return `["${letters[op]}",${encoded}]`;
}

/** In place of changes whose records are kept elsewhere: what they are found by. */
export function encodeElsewhere(key: number): string {
  return `["e",${key}]`;
}

/** Reads what the two above have written, with commas between. `archivedAt` gives what was archived elsewhere. */
export function decodeChanges(
  text: string,
  archivedAt: (key: number) => readonly AnyRecord[],
): Change[] {
  const parsed = JSON.parse(`[${text}]`) as ([keyof typeof ops, Fields] | ["e", number])[];
  return parsed.flatMap((entry): Change[] =>
    entry[0] === "e"
      ? archivedAt(entry[1]).map((record) => ({ op: "archive", record }))
      : [{ op: ops[entry[0]], record: recordOf(entry[1]) }],
  );
}
