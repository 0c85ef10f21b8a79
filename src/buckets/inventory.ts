import { createHash } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { InventoryRule } from "#/model/bucket-inventory.ts";
import type { DeleteMarker, ObjectVersion } from "#/objects/object-version.ts";
import { columnsOf, lineOf } from "./inventory-columns.ts";
import { putReport, type ReportParts } from "./reports.ts";

type Parts = ReportParts & { log: Log };

const dayMs = 24 * 60 * 60_000;
/** 1970 began with a Thursday. */
const firstSundayMs = 3 * dayMs;

/**
 * Writes the inventories of buckets: after each midnight (UTC), or that before each Sunday, and soon after one was asked for. A report that a
 * crash or a fault has ended is begun anew, and takes the place of what there is of it; its manifest, which is written last, is what
 * makes it one. One that fails holds up no other.
 */
export function startInventories(parts: Parts): Loop {
  /** When reports that failed are tried again, by bucket and rule. */
  const notBefore = new Map<string, number>();
  const loop = startLoop("inventories", turn, {
    clock: parts.clock,
    log: parts.log,
    everyMs: limits.inventoryLookMs,
  });
  loop.wake();
  return loop;

  async function turn(): Promise<void> {
    const now = parts.clock.now();
    for (const bucket of parts.buckets.all()) {
      if (!bucket.spec.inventory || bucket.status.isDeleting) continue;
      for (const [id, rule] of Object.entries(bucket.spec.inventory)) {
        if (!isDue(rule, bucket.status.inventoriedAt?.[id] ?? 0, now)) continue;
        const name = `${bucket.spec.id} ${id}`;
        if ((notBefore.get(name) ?? 0) > now) continue;
        try {
          await report(parts, bucket, id, rule, now);
          notBefore.delete(name);
        } catch (thrown) {
          notBefore.set(name, now + limits.inventoryAgainMs);
          const why = messageOf(thrown);
          const where = { bucket: bucket.name, id, why };
          parts.log.error("an inventory could not be written, and will be again", where);
        }
        return loop.wake(); // one report a turn, by the state as it is then
      }
    }
  }
}

function isDue(rule: InventoryRule, lastAt: number, now: number): boolean {
  return rule.isEnabled && lastAt < dueAtOf(rule, now);
}

/** When the report that is due now became so. */
function dueAtOf({ frequency }: InventoryRule, now: number): number {
  const [everyMs, firstMs] = frequency === "Daily" ? [dayMs, 0] : [7 * dayMs, firstSundayMs];
  return Math.floor((now - firstMs) / everyMs) * everyMs + firstMs;
}

interface WrittenFile {
  key: string;
  size: number;
  MD5checksum: string;
}

async function report(
  parts: Parts,
  bucket: BucketRecord,
  id: string,
  rule: InventoryRule,
  now: number,
): Promise<void> {
  const { buckets, log } = parts;
  const { targetPrefix: prefix } = rule;
  const folder = `${prefix === undefined || prefix === "" ? "" : `${prefix}/`}${bucket.name}/${id}`;
  const target = { project: bucket.project, bucket: rule.targetBucket };
  const report = `${bucket.status.inventoriedAt?.[id] ?? 0} ${dueAtOf(rule, now)}`;
  const isEncrypted = rule.encryption !== undefined;
  const put = (key: string, body: Uint8Array | AsyncIterable<Uint8Array>, contentType: string) =>
    putReport(parts, target, { key, body, contentType, isEncrypted });
  const rows = rowsOf(parts, bucket, rule);
  const files: WrittenFile[] = [];
  let isThere = true;
  for (let next = await rows.next(); !next.done && isThere; next = await rows.next()) {
    const key = `${folder}/data/${uuidOf(`${bucket.spec.id} ${id} ${report} ${files.length}`)}.csv.gz`;
    const zipped = createGzip();
    pipeline(Readable.from(fileOf(next.value, rows)), zipped, nothing);
    const written = await put(key, zipped, "application/gzip").finally(() => zipped.destroy());
    isThere = written !== undefined;
    if (written) files.push({ key, size: written.sizeBytes, MD5checksum: written.etag });
  }
  const manifest = Buffer.from(manifestOf(bucket, rule, files, now));
  const at = new Date(now).toISOString().slice(0, 16).replace(":", "-");
  isThere &&=
    (await put(`${folder}/${at}Z/manifest.json`, manifest, "application/json")) !== undefined;
  const digest = Buffer.from(createHash("md5").update(manifest).digest("hex"));
  if (isThere) await put(`${folder}/${at}Z/manifest.checksum`, digest, "text/plain");
  else log.warn(`the inventory ${id} of ${bucket.name} has no bucket to go to, or no room there`);
  await buckets.note(bucket, (status) => ({
    ...status,
    inventoriedAt: { ...status.inventoriedAt, [id]: now },
  }));
}

/** The lines of all that a rule is about, page by page. */
async function* rowsOf(
  { store }: Parts,
  bucket: BucketRecord,
  rule: InventoryRule,
): AsyncGenerator<string> {
  const columns = columnsOf(rule);
  const { id } = bucket.spec;
  const asked = { max: limits.listedMax, ...(rule.prefix && { prefix: rule.prefix }) };
  let next: { after: string; afterVersionId?: string } | undefined;
  do {
    const page: { entries: (ObjectVersion | DeleteMarker)[]; next?: typeof next } =
      rule.versions === "All"
        ? await store.listVersions(id, { ...asked, ...next })
        : await store.list(id, { ...asked, ...next });
    for (const version of page.entries) yield lineOf(columns, version, bucket);
    next = page.next;
  } while (next);
}

/** As many rows as a file has, from one that was taken already on. */
async function* fileOf(first: string, rows: AsyncGenerator<string>): AsyncGenerator<string> {
  let text = first;
  for (let count = 1; count < limits.inventoryRowsMax; count++) {
    const next = await rows.next();
    if (next.done) break;
    text += next.value;
    if (text.length < chunkCharacters) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

/** What fails of a file is thrown to who reads it. */
const nothing = () => {};

const chunkCharacters = 65_536;

function manifestOf(
  bucket: BucketRecord,
  rule: InventoryRule,
  files: readonly WrittenFile[],
  now: number,
): string {
  return JSON.stringify({
    sourceBucket: bucket.name,
    destinationBucket: `arn:aws:s3:::${rule.targetBucket}`,
    version: "2016-11-30",
    creationTimestamp: String(now),
    fileFormat: "CSV",
    fileSchema: columnsOf(rule)
      .map(([name]) => name)
      .join(", "),
    files,
  });
}

/** The same for each try of a report, so that none leaves anything behind. */
function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex").slice(0, 32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
