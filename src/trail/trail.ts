import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { TrailEntry, TrailKind, TrailPage } from "#/model/trail.ts";
import { Journal, type JournalPlace } from "./journal.ts";

/** What is looked for; what is absent may be anything. */
export interface TrailQuery {
  kind: TrailKind;
  /** Absent for all projects. */
  project?: string | undefined;
  fromMs?: number | undefined;
  untilMs?: number | undefined;
  id?: string | undefined;
  service?: string | undefined;
  operation?: string | undefined;
  /** Part of who asked: the end of an ARN will do. */
  who?: string | undefined;
  accessKeyId?: string | undefined;
  /** Part of what it was about. */
  resource?: string | undefined;
  isRead?: boolean | undefined;
  /** Only what was refused. */
  hasFailed?: boolean | undefined;
  max: number;
  /** `next` of the page before. */
  after?: string | undefined;
}

/** Who asked without saying who, or could not prove it. */
export const stranger = "anonymous";

/** Every call, of all doors, as a line in a file: who, what, when, from where, and what came of it. */
export class Trail {
  #journals: Record<TrailKind, Journal>;
  #clock: Clock;
  #strangersSecond = 0;
  #strangers = 0;

  private constructor(journals: Record<TrailKind, Journal>, clock: Clock) {
    this.#journals = journals;
    this.#clock = clock;
  }

  static async open(
    folder: string,
    parts: { files: Files; clock: Clock; log: Log },
  ): Promise<Trail> {
    const [management, data] = await Promise.all([
      Journal.open(join(folder, "management"), parts),
      Journal.open(join(folder, "data"), parts),
    ]);
    return new Trail({ management, data }, parts.clock);
  }

  /** Notes a call that was answered. Never waits, never throws. */
  note(kind: TrailKind, entry: TrailEntry): void {
    if (entry.who === stranger && this.#isFlood()) return;
    this.#journals[kind].put(entry);
  }

  /** The newest first. A page may be short though there is more: what can be looked through at once is bounded. Throws "invalid" for an `after` that is none. */
  async find(query: TrailQuery): Promise<TrailPage> {
    const from = query.after === undefined ? undefined : placeOf(query.after);
    const { fromMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = query;
    const items: TrailEntry[] = [];
    let looked = 0;
    for await (const { place, lines, bytes } of this.#journals[query.kind].blocks(
      { fromMs, untilMs },
      from?.block,
    )) {
      const isFirst = from?.block.file === place.file && from.block.offset === place.offset;
      const start = isFirst ? from.line : lines.length;
      if (looked > limits.trailLookedBytesMax) return { items, next: tokenOf(place, start) };
      looked += bytes;
      for (let at = start - 1; at >= 0; at--) {
        if (items.length === query.max) return { items, next: tokenOf(place, at + 1) };
        const entry = entryOf(lines[at]!, query);
        if (entry && entry.at >= fromMs && entry.at <= untilMs) items.push(entry);
      }
    }
    return { items };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#journals).map((journal) => journal.close()));
  }

  #isFlood(): boolean {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#strangersSecond) {
      this.#strangersSecond = second;
      this.#strangers = 0;
    }
    return ++this.#strangers > limits.trailStrangersMax;
  }
}

function entryOf(line: string, query: TrailQuery): TrailEntry | undefined {
  // Most lines are told apart by their text, which costs far less than reading them.
  for (const text of [query.project, query.operation, query.id, query.accessKeyId])
    if (text !== undefined && !line.includes(JSON.stringify(text))) return undefined;
  const entry = JSON.parse(line) as TrailEntry;
  const { project, id, service, operation, who, accessKeyId, resource, isRead, hasFailed } = query;
  const isWanted =
    (project === undefined || entry.project === project) &&
    (id === undefined || entry.id === id) &&
    (service === undefined || entry.service === service) &&
    (operation === undefined || entry.operation === operation) &&
    (who === undefined || entry.who.includes(who)) &&
    (accessKeyId === undefined || entry.accessKeyId === accessKeyId) &&
    (resource === undefined || entry.resource?.includes(resource) === true) &&
    (isRead === undefined || entry.isRead === isRead) &&
    (hasFailed === undefined || entry.status >= 400 === hasFailed);
  return isWanted ? entry : undefined;
}

function tokenOf({ file, offset }: JournalPlace, line: number): string {
  return Buffer.from(`${file} ${offset} ${line}`).toString("base64url");
}

function placeOf(token: string): { block: JournalPlace; line: number } {
  const text = Buffer.from(token, "base64url").toString("latin1");
  const found = /^(\d{15}\.ndjson\.zst) (\d{1,12}) (\d{1,9})$/.exec(text);
  if (!found)
    throw new CanopyError(
      "invalid",
      "Cannot read on in the trail as 'after' must be the 'next' of a page before",
    );
  return { block: { file: found[1]!, offset: Number(found[2]) }, line: Number(found[3]) };
}
