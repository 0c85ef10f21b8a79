import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { AnyRecord, Kind } from "#/model/record.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import type { Image } from "./disk.ts";
import type { Expected, Kept } from "./expected.ts";

/** Writes what of an image a start opens as files. The others are looked at as they are. */
export function writeLog(image: Image, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of image)
    if (path.startsWith("data/space.db")) writeFileSync(join(folder, basename(path)), content);
}

/** Opens what a power cut left, as a start would, and gives what is wrong with it; twice, as the second start must find the same. */
export async function faultsOf(
  folder: string,
  image: Image,
  expected: Expected,
): Promise<string[]> {
  const faults = filesFaults(image, expected);
  const file = join(folder, "space.db");
  const first = await logFaults(file, expected);
  faults.push(...first.faults);
  if (first.faults.length > 0) return faults;
  const again = await logFaults(file, expected);
  faults.push(...again.faults.map((fault) => `at the second start ${fault}`));
  if (again.count !== first.count) faults.push(`commit ${first.count} is gone at the second start`);
  return faults;
}

async function logFaults(
  file: string,
  expected: Expected,
): Promise<{ count: number; faults: string[] }> {
  let log: SqliteLog | undefined;
  try {
    log = new SqliteLog(file);
    const loaded = await log.load();
    const live = [...loaded.records];
    const count = Number(textOf(live.find(({ name }) => name === "count")) || 0);
    const faults: string[] = [];
    if (loaded.epoch <= expected.epoch)
      faults.push(
        `epoch ${loaded.epoch} is not above ${expected.epoch}, under which work was given out`,
      );
    if (count < expected.kept || count > expected.begun) {
      faults.push(
        `${count} commits are there: ${expected.kept} were acknowledged, ${expected.begun} begun`,
      );
      return { count, faults };
    }
    faults.push(...(await recordFaults(log, live, expected.after(count))));
    faults.push(...(await historyFaults(log, loaded.sequence, live)));
    return { count, faults };
  } catch (thrown) {
    return { count: -1, faults: [`the log does not open: ${String(thrown)}`] };
  } finally {
    await log?.close();
  }
}

async function recordFaults(
  log: SqliteLog,
  live: AnyRecord[],
  expected: ReadonlyMap<string, Kept>,
): Promise<string[]> {
  const faults: string[] = [];
  const found = new Map(live.map((record) => [record.name, record]));
  const archived = await log.archived("task", { limit: 1_000_000 });
  for (const record of archived) {
    const { isLive, text } = expected.get(record.name) ?? {};
    if (isLive !== false || textOf(record) !== text)
      faults.push(`${record.name} is not archived as it was`);
  }
  const names = [...expected].filter(([, { isLive }]) => !isLive).map(([name]) => name);
  if (archived.length !== names.length)
    faults.push(`${archived.length} archived tasks are listed: there should be ${names.length}`);
  // Found by name as they are found by order: a few of them tell.
  const some = [...expected.keys()].filter((name, index) => name !== "count" && index % 16 === 0);
  for (const [index, record] of (await log.find("task", some)).entries()) {
    const { isLive, text } = expected.get(some[index]!)!;
    if (textOf(record) !== (isLive ? undefined : text))
      faults.push(`${some[index]} is not found by its name as it was archived`);
  }
  for (const [name, { isLive, text }] of expected)
    if (isLive && textOf(found.get(name)) !== text) faults.push(`${name} is not as it was put`);
  for (const { name } of live)
    if (!expected.get(name)?.isLive) faults.push(`${name} should not be there`);
  return faults;
}

/** The changes kept have no gap, and end in the records that are there. */
async function historyFaults(log: SqliteLog, newest: number, live: AnyRecord[]): Promise<string[]> {
  if (newest === 0) return [];
  const last = new Map<string, string | undefined>();
  let next = await oldestOf(log, newest);
  for (const { sequence, changes } of await log.read(next - 1, 1_000_000)) {
    if (sequence !== next++) return [`batch ${next - 1} of the changes is missing`];
    for (const { op, record } of changes)
      last.set(
        `${record.kind} ${record.name}`,
        op === "put" || op === "restore" ? textOf(record) : undefined,
      );
  }
  if (next !== newest + 1) return [`the changes end at ${next - 1}, the log at ${newest}`];
  const found = new Map(live.map((record) => [`${record.kind} ${record.name}`, textOf(record)]));
  return [...last]
    .filter(([name, text]) => found.get(name) !== text)
    .map(([name]) => `the changes tell another end of ${name}`);
}

async function oldestOf(log: SqliteLog, newest: number): Promise<number> {
  let [low, high] = [1, newest];
  while (low < high) {
    const middle = (low + high) >> 1;
    const isThere = await log.read(middle - 1, 1).then(
      () => true,
      () => false,
    );
    if (isThere) high = middle;
    else low = middle + 1;
  }
  return low;
}

function textOf(record: { kind: Kind; spec: object } | undefined): string | undefined {
  const spec = record?.spec as { input?: string; title?: string } | undefined;
  return spec?.input ?? spec?.title;
}

function filesFaults(image: Image, expected: Expected): string[] {
  const faults: string[] = [];
  for (const [path, content] of image) {
    const key = /^data\/blobs\/[^.].*\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (key !== undefined && digestOf(content) !== key)
      faults.push(`the blob ${key} has another content`);
  }
  for (const [path, wanted] of expected.files) {
    const content = image.get(`data/${path}`);
    if (!content) faults.push(`${path} was acknowledged and is gone`);
    else if (!isAs(wanted, content)) faults.push(`${path} is not as it was acknowledged`);
  }
  return faults;
}

function isAs(wanted: { holds: string } | { digest: string }, content: Uint8Array): boolean {
  return "holds" in wanted
    ? Buffer.from(content).includes(wanted.holds)
    : digestOf(content) === wanted.digest;
}

const digests = new WeakMap<Uint8Array, string>();

function digestOf(content: Uint8Array): string {
  let digest = digests.get(content);
  if (digest === undefined) {
    digest = createHash("sha256").update(content).digest("hex");
    digests.set(content, digest);
  }
  return digest;
}
