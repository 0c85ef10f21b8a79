import { Heap, type Timed } from "#/base/heap.ts";
import type { MessageRecord, MessageSpec } from "#/model/queue.ts";

interface Hidden extends Timed {
  name: string;
}

/** Messages that are given one after the other: those that are there, and until when those that were given are out. */
interface Group {
  live: Map<string, MessageRecord>;
  out: Map<string, number>;
}

/** Whether somebody has a message of the group. Those that are back are forgotten. */
function isOut({ out }: Group, now: number): boolean {
  for (const [name, untilMs] of out) {
    if (untilMs > now) return true;
    out.delete(name);
  }
  return false;
}

/** What a message takes of memory beside its text: its record, and its places in what is kept here. */
const messageBytes = 512;

/** What a message takes of memory, about. */
export function bytesOf({
  body,
  attributes = {},
}: Pick<MessageSpec, "body" | "attributes">): number {
  let bytes = messageBytes + Buffer.byteLength(body);
  for (const [name, { type, text = "", binary = "" }] of Object.entries(attributes))
    bytes += messageBytes / 4 + name.length + type.length + Buffer.byteLength(text) + binary.length;
  return bytes;
}

/**
 * Which messages of a queue may be handed out, and which when. Follows the records: what a record says of its visibility holds,
 * whatever else was noted before. Messages of a queue in order are given group by group: none while another of its group is out.
 */
export class Waiting {
  #isFifo: boolean;
  #records = new Map<string, MessageRecord>();
  /** Names of those that were given out, that are delayed, and that are gone but for their ids; all others may be handed out. */
  #out = new Set<string>();
  #delayed = new Set<string>();
  #forgotten = new Set<string>();
  /** Names that may be visible, in the order in which they became so; what is no longer so is passed over. */
  #ready: string[] = [];
  #readyAt = 0;
  #inReady = new Set<string>();
  #later = new Heap<Hidden>();
  #order = 0;
  /** None was sent before. */
  #oldestMs = Number.POSITIVE_INFINITY;
  /** Of a queue in order: those whose turn it is longest first. */
  #groups = new Map<string, Group>();
  /** By deduplication id. */
  #sent = new Map<string, MessageRecord>();
  bytes = 0;
  /** Woken when there may be something to hand out. */
  #wakes = new Set<() => void>();

  constructor(isFifo: boolean) {
    this.#isFifo = isFifo;
  }

  put(record: MessageRecord, now: number): void {
    const { name, spec, status } = record;
    const before = this.#records.get(name);
    // Most changes are of who has it.
    if (before?.spec !== spec) this.bytes += bytesOf(spec) - (before ? bytesOf(before.spec) : 0);
    this.#records.set(name, record);
    if (spec.sentAt < this.#oldestMs) this.#oldestMs = spec.sentAt;
    this.#count(record, now);
    if (spec.dedupKey !== undefined) this.#sent.set(spec.dedupKey, record);
    if (this.#isFifo) this.#putInGroup(record);
    if (status.deletedAt !== undefined) return this.#wakeAll();
    if (status.visibleAt <= now) this.#show(name);
    else this.#later.push({ name, atMs: status.visibleAt, order: this.#order++ });
  }

  remove(record: MessageRecord): void {
    const before = this.#records.get(record.name);
    if (!before) return;
    this.bytes -= bytesOf(before.spec);
    this.#records.delete(record.name);
    for (const names of [this.#out, this.#delayed, this.#forgotten]) names.delete(record.name);
    const { dedupKey } = record.spec;
    if (dedupKey !== undefined && this.#sent.get(dedupKey)?.name === record.name)
      this.#sent.delete(dedupKey);
    if (!this.#isFifo) return;
    this.#leaveGroup(record);
    this.#wakeAll();
  }

  get(name: string): MessageRecord | undefined {
    return this.#records.get(name);
  }

  /** The message that was sent under this id within the time in which it counts as the same. */
  sent(key: string, sinceMs: number): MessageRecord | undefined {
    const found = this.#sent.get(key);
    return found && found.spec.sentAt > sinceMs ? found : undefined;
  }

  get records(): IterableIterator<MessageRecord> {
    return this.#records.values();
  }

  /** Names of up to `max` that were sent by `untilMs`, and of those of which only the id is left, by `forgottenUntilMs`. */
  over(untilMs: number, forgottenUntilMs: number, max: number): Set<string> {
    const over = new Set<string>();
    for (const name of this.#forgotten) {
      if (over.size >= max) return over;
      if (this.#records.get(name)!.spec.sentAt <= forgottenUntilMs) over.add(name);
    }
    // Most often nothing is that old, and nobody looks.
    if (this.#oldestMs > untilMs) return over;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const { name, spec } of this.#records.values()) {
      if (over.size >= max) return over;
      if (spec.sentAt <= untilMs) over.add(name);
      else if (spec.sentAt < oldestMs) oldestMs = spec.sentAt;
    }
    this.#oldestMs = oldestMs;
    return over;
  }

  /** Up to `max` messages that nobody has. */
  visible(max: number, now: number): MessageRecord[] {
    this.#advance(now);
    return this.#isFifo ? this.#inOrder(max, now) : this.#any(max, now);
  }

  /** Nobody waits any more; gives all that there is. */
  close(): Map<string, MessageRecord> {
    this.#wakeAll();
    return this.#records;
  }

  /** How many there are, with those that are gone but for their ids. */
  get size(): number {
    return this.#records.size;
  }

  counts(now: number): { visible: number; inFlight: number; delayed: number } {
    this.#advance(now);
    const [inFlight, delayed] = [this.#out.size, this.#delayed.size];
    const visible = this.#records.size - this.#forgotten.size - inFlight - delayed;
    return { visible, inFlight, delayed };
  }

  /** When the next message becomes visible that is not; undefined when there is none. */
  nextAt(): number | undefined {
    return this.#later.first?.atMs;
  }

  /** Calls `wake` once when there may be more to hand out; the function that is returned calls that off. */
  onMore(wake: () => void): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }

  #any(max: number, now: number): MessageRecord[] {
    const found: MessageRecord[] = [];
    while (found.length < max && this.#readyAt < this.#ready.length) {
      const name = this.#ready[this.#readyAt++]!;
      this.#inReady.delete(name);
      const record = this.#records.get(name);
      if (record && record.status.deletedAt === undefined && record.status.visibleAt <= now)
        found.push(record);
    }
    if (this.#readyAt > 1000 && this.#readyAt * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#readyAt);
      this.#readyAt = 0;
    }
    return found;
  }

  #inOrder(max: number, now: number): MessageRecord[] {
    const found: MessageRecord[] = [];
    const served: [string, Group][] = [];
    for (const [id, group] of this.#groups) {
      if (found.length === max) break;
      if (isOut(group, now)) continue;
      const before = found.length;
      for (const record of group.live.values()) {
        // A delayed one holds up those behind it.
        if (found.length === max || record.status.visibleAt > now) break;
        found.push(record);
      }
      if (found.length > before) served.push([id, group]);
    }
    for (const [id, group] of served) {
      this.#groups.delete(id);
      this.#groups.set(id, group);
    }
    return found;
  }

  #count({ name, status }: MessageRecord, now: number): void {
    for (const names of [this.#out, this.#delayed]) names.delete(name);
    if (status.deletedAt !== undefined) this.#forgotten.add(name);
    else if (status.visibleAt > now) (status.receives > 0 ? this.#out : this.#delayed).add(name);
  }

  #putInGroup(record: MessageRecord): void {
    const { name, spec, status } = record;
    if (status.deletedAt !== undefined) return this.#leaveGroup(record);
    const id = spec.groupId ?? "";
    let group = this.#groups.get(id);
    if (!group) this.#groups.set(id, (group = { live: new Map(), out: new Map() }));
    group.live.set(name, record);
    if (status.receives > 0) group.out.set(name, status.visibleAt);
  }

  #leaveGroup({ name, spec }: MessageRecord): void {
    const id = spec.groupId ?? "";
    const group = this.#groups.get(id);
    group?.live.delete(name);
    group?.out.delete(name);
    if (group?.live.size === 0) this.#groups.delete(id);
  }

  #advance(now: number): void {
    for (let next = this.#later.first; next && next.atMs <= now; next = this.#later.first) {
      this.#later.pop();
      const record = this.#records.get(next.name);
      if (!record || record.status.visibleAt > now) continue;
      this.#count(record, now);
      if (record.status.deletedAt === undefined) this.#show(next.name);
    }
  }

  #show(name: string): void {
    if (!this.#isFifo && !this.#inReady.has(name)) {
      this.#inReady.add(name);
      this.#ready.push(name);
    }
    this.#wakeAll();
  }

  #wakeAll(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}
