import { CanopyError } from "#/base/errors.ts";
import { nearestWord } from "#/model/nearest-word.ts";

/**
 * The named fields of a value, or of each of several: "id,tasks.failed". "*" is all of it.
 * Throws CanopyError "invalid" for a field that none of them has, naming those there are.
 */
export function selectFields(value: object, fields: string): unknown {
  if (fields === "*") return value;
  const paths = fields
    .split(",")
    .map((path) => path.trim())
    .filter(Boolean);
  const rows = Array.isArray(value) ? (value as object[]) : [value];
  for (const path of paths) if (rows.length > 0) checkField(rows, path);
  const select = (row: object) =>
    Object.fromEntries(paths.map((path) => [path, at(row, path) ?? null]));
  return Array.isArray(value) ? rows.map(select) : select(value);
}

function at(row: object, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (part, name) => (part as Record<string, unknown> | undefined | null)?.[name],
      row,
    );
}

function checkField(rows: readonly object[], path: string): void {
  if (rows.some((row) => at(row, path) !== undefined)) return;
  const [first = "", ...below] = path.split(".");
  const known = [...new Set(rows.flatMap((row) => Object.keys(row)))].sort();
  // A field that is there and empty in all of them is no mistake, nor is one below it.
  if (
    known.includes(first) &&
    (below.length === 0 || rows.every((row) => at(row, first) === undefined))
  )
    return;
  if (optionalFields.has(first)) return;
  const near = nearestWord(path, known);
  throw new CanopyError(
    "invalid",
    `Cannot select the field '${path}' as there is none of that name: there are ${known.join(", ")}`,
    near === undefined ? {} : { hint: `Did you mean --json=${near}?` },
  );
}

/** Fields of views that may be absent from all that are listed. */
const optionalFields = new Set(
  "gameDay refusal healMs noticeMs hours schedule first endedAt reason exitCode mainStep tasks usage machine runningSince notBefore free lastSeenAt cpuShare memoryFreeBytes microsPerHour expiresAt result resultBlob error spent projected eta project key note publicIp ports keyName startedAt waits interruptionAt attachment snapshot storage volume newBytes".split(
    " ",
  ),
);
