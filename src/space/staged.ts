import type { AnyRecord, Change, Kind, RecordOfKind } from "#/model/record.ts";
import type { Draft, Transaction } from "./space.ts";

type Read = <K extends Kind>(kind: K, name: string) => RecordOfKind<K> | undefined;

/** Changes of one transaction, before they are applied. */
export class Staged implements Transaction {
  #read: Read;
  #changes = new Map<Kind, Map<string, Change>>();
  serial: number;

  constructor(read: Read, serial: number) {
    this.#read = read;
    this.serial = serial;
  }

  get<K extends Kind>(kind: K, name: string): RecordOfKind<K> | undefined {
    const staged = this.#changes.get(kind)?.get(name);
    if (!staged) return this.#read(kind, name);
    return isLive(staged) ? (staged.record as RecordOfKind<K>) : undefined;
  }

  put<K extends Kind>(draft: Draft<RecordOfKind<K>>): RecordOfKind<K> {
    return this.#stage("put", draft as AnyRecord) as RecordOfKind<K>;
  }

  archive<K extends Kind>(draft: Draft<RecordOfKind<K>>): void {
    this.#stage("archive", draft as AnyRecord);
  }

  delete(kind: Kind, name: string): void {
    const record = this.get(kind, name);
    if (record) this.#stage("delete", record);
  }

  changes(): Change[] {
    return [...this.#changes.values()].flatMap((ofKind) => [...ofKind.values()]);
  }

  /** Those of one kind; undefined where there are none. */
  changesOf(kind: Kind): Change[] | undefined {
    const ofKind = this.#changes.get(kind);
    return ofKind && [...ofKind.values()];
  }

  /**
   * Revision and serial follow the live record, else those in the draft: it was archived, and comes back. However often
   * a transaction changes a record, that is one revision.
   */
  #stage(asked: "put" | "archive" | "delete", draft: AnyRecord): AnyRecord {
    const { kind, project, name, spec, status } = draft;
    let ofKind = this.#changes.get(kind);
    if (!ofKind) this.#changes.set(kind, (ofKind = new Map()));
    const staged = ofKind.get(name);
    const live = staged ? (isLive(staged) ? staged.record : undefined) : this.#read(kind, name);
    const before = live ?? (draft.revision ? draft : undefined);
    const comesBack = before && (!live || staged?.op === "restore");
    const record = {
      kind,
      project,
      serial: before?.serial ?? ++this.serial,
      name,
      revision: live && staged ? live.revision : (before?.revision ?? 0) + 1,
      spec,
      status,
    } as AnyRecord;
    ofKind.set(name, { op: asked === "put" && comesBack ? "restore" : asked, record });
    return record;
  }
}

function isLive({ op }: Change): boolean {
  return op === "put" || op === "restore";
}
