import type { DatabaseSync, StatementSync } from "node:sqlite";

interface PackEntry {
  bytes: number;
  dead: number;
  isChanged: boolean;
}

/** How much is in each pack, and how much of that counts no more; all in memory, written with a commit. */
export class PackEntries {
  #entries = new Map<number, PackEntry>();
  #read: StatementSync;
  #set: StatementSync;
  #drop: StatementSync;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare("SELECT * FROM packs");
    this.#set = database.prepare("INSERT OR REPLACE INTO packs VALUES (?, ?, ?)");
    this.#drop = database.prepare("DELETE FROM packs WHERE pack = ?");
    this.read();
  }

  /** As the last transaction left them. */
  read(): void {
    this.#entries.clear();
    for (const row of this.#read.iterate())
      this.#entries.set(row["pack"] as number, {
        bytes: row["bytes"] as number,
        dead: row["dead"] as number,
        isChanged: false,
      });
  }

  get all(): ReadonlyMap<number, Readonly<PackEntry>> {
    return this.#entries;
  }

  /** To be changed in a transaction. */
  change(pack: number): PackEntry {
    let entry = this.#entries.get(pack);
    if (!entry) this.#entries.set(pack, (entry = { bytes: 0, dead: 0, isChanged: true }));
    entry.isChanged = true;
    return entry;
  }

  drop(pack: number): void {
    this.#entries.delete(pack);
    this.#drop.run(pack);
  }

  /** Before a commit; `committed` after it. */
  write(): void {
    for (const [pack, entry] of this.#entries) {
      if (!entry.isChanged) continue;
      this.#set.run(pack, entry.bytes, entry.dead);
    }
  }

  committed(): void {
    for (const entry of this.#entries.values()) entry.isChanged = false;
  }
}
