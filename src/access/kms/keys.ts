import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import {
  kmsAliasRecordName,
  kmsKeyArn,
  type KmsAliasRecord,
  type KmsKeyRecord,
  type KmsKeySpec,
} from "#/model/kms.ts";
import type { Space, Transaction } from "#/space/space.ts";
import type { Sealer } from "../identities/identities.ts";
import { decryptWith, encryptWith, keyOfCiphertext, type EncryptionContext } from "./ciphertext.ts";

const dayMs = 24 * 3_600_000;
const materialBytes = 32;

export interface KmsParts {
  space: Space;
  sealer: Sealer;
  clock: { now(): number };
  random: Random;
}

/**
 * Keys that encrypt for those who may use them and never leave. Who may is asked by the doors, of the key's policy and of
 * theirs; here is what keys are and do. Throws AwsError as KMS documents: NotFoundException, DisabledException,
 * KMSInvalidStateException, InvalidCiphertextException, IncorrectKeyException.
 */
export class KmsKeys {
  #space: Space;
  #sealer: Sealer;
  #clock: { now(): number };
  #random: Random;
  #byId = new Map<string, string>();
  #opened = new Map<string, Uint8Array>();

  constructor({ space, sealer, clock, random }: KmsParts) {
    this.#space = space;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#random = random;
    for (const { spec, name } of space.all("kms-key")) this.#byId.set(spec.id, name);
    space.onApplied((changes) => {
      for (const { op, record } of changes) {
        if (record.kind !== "kms-key") continue;
        if (op === "delete") this.#byId.delete(record.spec.id);
        else this.#byId.set(record.spec.id, record.name);
      }
    });
  }

  /** A new key of an account, in the same commit as what it is for. */
  create(
    tx: Transaction,
    project: string,
    asked: Omit<KmsKeySpec, "id" | "createdAt" | "isEnabled">,
  ): KmsKeyRecord {
    const id = this.#newId();
    const createdAt = this.#clock.now();
    return tx.put<"kms-key">({
      kind: "kms-key",
      project,
      name: `${project}/${id}`,
      spec: { ...asked, id, createdAt, isEnabled: true },
      status: { materials: [this.#newMaterial(id, 0)] },
    });
  }

  /** With another material, that encrypts from now on. */
  rotated(record: KmsKeyRecord, isOnDemand: boolean): KmsKeyRecord {
    const { materials } = record.status;
    const made = this.#newMaterial(record.spec.id, materials.length);
    return {
      ...record,
      status: { materials: [...materials, { ...made, ...(isOnDemand && { isOnDemand: true }) }] },
    };
  }

  /**
   * The key that an id, an ARN or an alias means, for an account. Another account's is found by the ARN of the key only. One that
   * is past its deletion is not there.
   */
  find(
    asked: string,
    account: { project: string; accountId: string },
    region: string,
  ): KmsKeyRecord {
    const own = asked.startsWith("arn:")
      ? this.#byArn(asked, account)
      : this.#byName(asked, account);
    if (own && !this.isGone(own)) return own;
    throw new AwsError(
      "NotFoundException",
      400,
      asked.includes("alias/")
        ? `Alias ${asked.startsWith("arn:") ? asked : `arn:aws:kms:${region}:${account.accountId}:${asked}`} is not found.`
        : `Key '${asked.startsWith("arn:") ? asked : kmsKeyArn({ accountId: account.accountId, id: asked }, region)}' does not exist`,
    );
  }

  isGone({ spec }: KmsKeyRecord): boolean {
    return spec.deletionAt !== undefined && spec.deletionAt <= this.#clock.now();
  }

  /** Throws "DisabledException" or "KMSInvalidStateException" for a key that may not be used now. */
  requireUsable({ spec }: KmsKeyRecord, region: string): void {
    const arn = kmsKeyArn(spec, region);
    if (spec.deletionAt !== undefined)
      throw new AwsError("KMSInvalidStateException", 400, `${arn} is pending deletion.`);
    if (!spec.isEnabled) throw new AwsError("DisabledException", 400, `${arn} is disabled.`);
  }

  async encrypt(
    record: KmsKeyRecord,
    plain: Uint8Array,
    context: EncryptionContext,
  ): Promise<Uint8Array> {
    const blob = this.encryptNow(this.rotatedInTime(record), plain, context);
    // What is told is opened again by a material that a crash cannot take back.
    await this.#space.durable();
    return blob;
  }

  /** The same with the material that the key has: for what the space keeps beside it, and tells no sooner than it is durable. */
  encryptNow(record: KmsKeyRecord, plain: Uint8Array, context: EncryptionContext): Uint8Array {
    const number = record.status.materials.length - 1;
    const about = { keyId: record.spec.id, number, context };
    return encryptWith(this.#material(record, number)!, about, plain, this.#random);
  }

  /** The key that a cipher text was made with. Throws "InvalidCiphertextException". */
  keyOf(blob: Uint8Array): KmsKeyRecord {
    const keyId = keyOfCiphertext(blob)?.keyId;
    const name = keyId === undefined ? undefined : this.#byId.get(keyId);
    const record = name === undefined ? undefined : this.#space.get("kms-key", name);
    if (!record || this.isGone(record)) throw invalidCiphertext();
    return record;
  }

  decrypt(record: KmsKeyRecord, blob: Uint8Array, context: EncryptionContext): Uint8Array {
    const number = keyOfCiphertext(blob)?.number;
    const material = number === undefined ? undefined : this.#material(record, number);
    const plain = material && decryptWith(material, blob, context);
    if (!plain) throw invalidCiphertext();
    return plain;
  }

  /** The key that a service has for itself in an account: whoever may do there what the service does may use it. */
  async serviceKey(
    { project, accountId }: { project: string; accountId: string },
    service: string,
  ): Promise<KmsKeyRecord> {
    const aliasName = kmsAliasRecordName(project, `aws/${service}`);
    const known = this.#space.get("kms-alias", aliasName);
    const record = known && this.#space.get("kms-key", `${project}/${known.spec.keyId}`);
    if (record) return record;
    const committed = this.#space.commit((tx) => {
      const made = this.create(tx, project, {
        accountId,
        description: `Default key that protects what is kept by ${service} when no other key is defined`,
        policy: servicePolicy(accountId),
        manager: "AWS",
      });
      const now = this.#clock.now();
      const about = { keyId: made.spec.id, createdAt: now, updatedAt: now };
      tx.put<"kms-alias">({
        kind: "kms-alias",
        project,
        name: aliasName,
        spec: { name: `aws/${service}`, ...about },
        status: {},
      });
      return made;
    });
    await committed.durable;
    return committed.value;
  }

  /** Keys whose time is over: each commit of the service takes them along. */
  removeGone(tx: Transaction): void {
    for (const record of this.#space.all("kms-key")) {
      if (!this.isGone(record)) continue;
      tx.delete("kms-key", record.name);
      for (const alias of this.#space.list("kms-alias", record.project))
        if (alias.spec.keyId === record.spec.id) tx.delete("kms-alias", alias.name);
    }
  }

  alias(project: string, name: string): KmsAliasRecord | undefined {
    return this.#space.get("kms-alias", kmsAliasRecordName(project, name.slice("alias/".length)));
  }

  /** When the next material is due; undefined for a key that does not rotate. */
  nextRotation({ spec, status }: KmsKeyRecord): number | undefined {
    if (!spec.rotation) return undefined;
    const last = status.materials.findLast(({ isOnDemand }) => !isOnDemand)!.createdAt;
    return Math.max(last, spec.rotation.since) + spec.rotation.everyDays * dayMs;
  }

  /** With another material where one is due, which is durable when the space is. */
  rotatedInTime(record: KmsKeyRecord): KmsKeyRecord {
    return this.#isDue(record)
      ? this.#space.commit((tx) => this.rotatedIn(tx, record)).value
      : record;
  }

  /** The same, in a commit of the caller's. */
  rotatedIn(tx: Transaction, record: KmsKeyRecord): KmsKeyRecord {
    const current = tx.get("kms-key", record.name) ?? record;
    return this.#isDue(current) ? tx.put<"kms-key">(this.rotated(current, false)) : current;
  }

  #isDue(record: KmsKeyRecord): boolean {
    const due = this.nextRotation(record);
    return due !== undefined && due <= this.#clock.now();
  }

  #byArn(arn: string, asking: { project: string; accountId: string }): KmsKeyRecord | undefined {
    const [, accountId, what = ""] = /^arn:aws:kms:[^:]*:(\d{12}):(.+)$/.exec(arn) ?? [];
    if (what.startsWith("key/")) return this.#ofAccount(what.slice(4), accountId!);
    // Of another account it is not said which names it has.
    if (accountId !== asking.accountId) return undefined;
    const alias = this.alias(asking.project, what);
    return alias && this.#space.get("kms-key", `${asking.project}/${alias.spec.keyId}`);
  }

  #byName(
    asked: string,
    { project, accountId }: { project: string; accountId: string },
  ): KmsKeyRecord | undefined {
    if (!asked.startsWith("alias/")) return this.#ofAccount(asked, accountId);
    const alias = this.alias(project, asked);
    return alias && this.#space.get("kms-key", `${project}/${alias.spec.keyId}`);
  }

  #ofAccount(id: string, accountId: string): KmsKeyRecord | undefined {
    const name = this.#byId.get(id);
    const record = name === undefined ? undefined : this.#space.get("kms-key", name);
    return record?.spec.accountId === accountId ? record : undefined;
  }

  #material({ spec, status }: KmsKeyRecord, number: number): Uint8Array | undefined {
    const sealed = status.materials[number]?.sealed;
    if (sealed === undefined) return undefined;
    const known = this.#opened.get(sealed);
    if (known) return known;
    const material = Buffer.from(this.#sealer.unseal(sealed, sealedFor(spec.id, number)), "base64");
    if (this.#opened.size >= limits.kmsMaterialsOpenMax) this.#opened.clear();
    this.#opened.set(sealed, material);
    return material;
  }

  #newMaterial(id: string, number: number) {
    const plain = Buffer.from(this.#random.bytes(materialBytes)).toString("base64");
    return {
      sealed: this.#sealer.seal(plain, sealedFor(id, number)),
      createdAt: this.#clock.now(),
    };
  }

  /** A UUID of chance (RFC 9562, version 4). */
  #newId(): string {
    const bytes = Buffer.from(this.#random.bytes(16));
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }
}

function servicePolicy(accountId: string): string {
  const statement = (Action: string[], more: object) => ({
    Effect: "Allow",
    Action,
    Resource: "*",
    ...more,
  });
  return JSON.stringify({
    Version: "2012-10-17",
    Id: "auto-s3-1",
    Statement: [
      statement(
        ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        {
          Principal: { AWS: "*" },
          Condition: {
            StringEquals: { "kms:CallerAccount": accountId },
            StringLike: { "kms:ViaService": "s3.*.amazonaws.com" },
          },
        },
      ),
      statement(["kms:Describe*", "kms:Get*", "kms:List*"], {
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      }),
    ],
  });
}

const invalidCiphertext = () =>
  new AwsError("InvalidCiphertextException", 400, "The ciphertext is invalid.");

const sealedFor = (id: string, number: number) => `kms key ${id} ${number}`;
