import type { AnyRecord, Kind, RecordOfKind } from "#/model/record.ts";
import { indexOfTask } from "#/model/task.ts";

/** By name; tasks by their index. */
type Members = Map<string | number, AnyRecord>;

const none: Members = new Map();

/**
 * Live records by kind, by what they are part of, and by name. Calls about tasks come in runs of one
 * step, so the members found last are tried first: it spares making and hashing the parent's name.
 * Within its step a task is found by its number, as hashing its name would cost more than all else.
 */
export class Families {
  #families = new Map<Kind, Map<string, Members>>();
  #lastKind: Kind | undefined;
  #lastParent = "";
  #lastMembers: Members = none;

  get<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined {
    const found = this.#find(kind, name).get(keyOf(kind, name));
    // "j1/0/07" has the number of "j1/0/7"
    return found?.name === name ? (found as RecordOfKind<K>) : undefined;
  }

  /** Members of `parent` in the order they were made. */
  members<K extends Kind>(kind: K, parent: string): ReadonlyMap<string | number, RecordOfKind<K>> {
    return (this.#families.get(kind)?.get(parent) ?? none) as Map<string, RecordOfKind<K>>;
  }

  *all<K extends Kind>(kind: K): Generator<RecordOfKind<K>> {
    for (const members of this.#families.get(kind)?.values() ?? []) {
      yield* members.values() as Iterable<RecordOfKind<K>>;
    }
  }

  set(record: AnyRecord): void {
    let members = this.#find(record.kind, record.name);
    if (members === none) members = this.#make(record.kind, record.name);
    members.set(keyOf(record.kind, record.name), record);
  }

  remove(kind: Kind, name: string): void {
    const members = this.#find(kind, name);
    members.delete(keyOf(kind, name));
    if (members.size > 0 || members === none) return;
    this.#families.get(kind)!.delete(this.#lastParent);
    this.#lastMembers = none;
    this.#lastKind = undefined;
  }

  #find(kind: Kind, name: string): Members {
    const slash = Math.max(0, name.lastIndexOf("/"));
    const parent = this.#lastParent;
    if (kind === this.#lastKind && slash === parent.length && name.startsWith(parent)) {
      return this.#lastMembers;
    }
    const found = this.#families.get(kind)?.get(name.slice(0, slash));
    if (!found) return none;
    this.#remember(kind, name.slice(0, slash), found);
    return found;
  }

  #make(kind: Kind, name: string): Members {
    const parent = name.slice(0, Math.max(0, name.lastIndexOf("/")));
    let family = this.#families.get(kind);
    if (!family) this.#families.set(kind, (family = new Map()));
    const members: Members = new Map();
    family.set(parent, members);
    this.#remember(kind, parent, members);
    return members;
  }

  #remember(kind: Kind, parent: string, members: Members): void {
    this.#lastKind = kind;
    this.#lastParent = parent;
    this.#lastMembers = members;
  }
}

function keyOf(kind: Kind, name: string): string | number {
  return kind === "task" ? indexOfTask(name) : name;
}
