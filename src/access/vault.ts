import { createHmac } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import type { VaultKeyRecord } from "#/model/vault-key.ts";
import type { Space } from "#/space/space.ts";
import { sealKeyOf, sealUnder, unseal, unsealUnder } from "./seal.ts";

/** What seals the vault's keys. Without `current` it is the cloud's signing secret, a file in its data folder. */
export interface MasterKeys {
  current?: string | undefined;
  /** Those that are being given up: what they sealed is sealed anew under the current one. */
  previous?: readonly string[] | undefined;
}

interface Master {
  id: string;
  key: Buffer;
}

interface VaultParts {
  space: Space;
  random: Random;
  clock: { now(): number };
  signing: string;
  masters?: MasterKeys | undefined;
}

const prefix = "v1.";

/**
 * Secrets as records may hold them: sealed under a key of the vault, which is a record too, sealed under a master key
 * that no record and no log has. To change the master key, that one alone is sealed anew.
 */
export class Vault {
  #space: Space;
  #random: Random;
  #clock: { now(): number };
  #signing: string;
  #current: Master;
  /** Whether the cloud's own secret is the master key. */
  #isOwn: boolean;
  #masters = new Map<string, Master>();
  /** By the name of the vault key's record. */
  #opened = new Map<string, { record: VaultKeyRecord; key: Buffer }>();

  constructor({ space, random, clock, signing, masters = {} }: VaultParts) {
    this.#space = space;
    this.#random = random;
    this.#clock = clock;
    this.#signing = signing;
    this.#current = masterOf(masters.current ?? signing);
    this.#isOwn = masters.current === undefined;
    for (const master of [...(masters.previous ?? []), signing].map(masterOf))
      this.#masters.set(master.id, master);
    this.#masters.set(this.#current.id, this.#current);
  }

  /**
   * Makes the first key where there is none, and seals all anew that another master key sealed. What an own secret sealed
   * that is lost (a backup without secrets was restored) stays closed. Called when this control plane leads. Throws
   * "forbidden" for keys that a master key sealed which was not given.
   */
  begin(): void {
    const all = [...this.#space.list("vault-key")];
    const stale = all.filter(({ status }) => status.masterId !== this.#current.id);
    if (all.length > 0 && stale.length === 0) return;
    const resealed = stale
      .filter(({ status }) => status.sealedBy === "master" || this.#masters.has(status.masterId))
      .map((record) => this.#sealed(record, this.#keyIn(record)));
    const hasOne = all.length > stale.length || resealed.length > 0;
    if (hasOne && resealed.length === 0) return;
    this.#space.commit((tx) => {
      for (const record of resealed) tx.put<"vault-key">(record);
      if (hasOne) return;
      const made = {
        kind: "vault-key" as const,
        project: "",
        name: String(all.length + 1),
        spec: { createdAt: this.#clock.now() },
      };
      tx.put<"vault-key">(this.#sealed(made, Buffer.from(this.#random.bytes(32))));
    });
  }

  /** What was sealed for one thing opens for no other. */
  seal(plain: string, about: string): string {
    let newest: VaultKeyRecord | undefined;
    for (const record of this.#space.list("vault-key"))
      if (record.status.masterId === this.#current.id) newest = record;
    if (!newest) throw new Error("Cannot seal before the vault has begun");
    return `${prefix}${newest.name}.${sealUnder(this.#keyIn(newest), plain, about, this.#random)}`;
  }

  /** Throws CanopyError "forbidden" when another cloud sealed it, or for something else. */
  unseal(sealed: string, about: string): string {
    // Sealed before there was a vault.
    if (!sealed.startsWith(prefix)) return unseal(sealed, about, this.#signing);
    const [name = "", content = ""] = sealed.slice(prefix.length).split(".");
    const record = this.#space.get("vault-key", name);
    if (!record)
      throw new CanopyError(
        "forbidden",
        `Cannot read the secrets of ${about} as they were sealed by another cloud`,
      );
    return unsealUnder(this.#keyIn(record, about), content, about);
  }

  #keyIn(record: VaultKeyRecord, about = "this cloud"): Buffer {
    const known = this.#opened.get(record.name);
    if (known?.record.status.sealed === record.status.sealed) return known.key;
    const { sealed, masterId, sealedBy } = record.status;
    const master = this.#masters.get(masterId);
    if (!master && sealedBy === "signing")
      throw new CanopyError(
        "forbidden",
        `Cannot read the secrets of ${about} as they were sealed with another signing secret`,
        { hint: "Give them again: a backup without secrets does not bring them back" },
      );
    if (!master)
      throw new CanopyError(
        "forbidden",
        `Cannot open the secrets of this cloud as CANOPY_MASTER_KEY must be the key that sealed them, whose mark is ${masterId}: that of the given one is ${this.#current.id}`,
        { hint: "To change it, name the one before in CANOPY_MASTER_KEY_PREVIOUS, once" },
      );
    const key = Buffer.from(unsealUnder(master.key, sealed, aboutKey(record.name)), "base64");
    this.#opened.set(record.name, { record, key });
    return key;
  }

  #sealed<R extends { name: string }>(record: R, key: Buffer) {
    const plain = key.toString("base64");
    const sealed = sealUnder(this.#current.key, plain, aboutKey(record.name), this.#random);
    const sealedBy = this.#isOwn ? ("signing" as const) : ("master" as const);
    return { ...record, status: { sealed, masterId: this.#current.id, sealedBy } };
  }
}

const aboutKey = (name: string) => `vault key ${name}`;

function masterOf(text: string): Master {
  return {
    id: createHmac("sha256", text).update("canopy master key mark").digest("hex").slice(0, 12),
    key: sealKeyOf(text, "canopy master key"),
  };
}
