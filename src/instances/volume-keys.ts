import type { Sealer } from "#/access/identities/identities.ts";
import type { KmsKeys } from "#/access/kms/keys.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { KmsKeyRecord } from "#/model/kms.ts";
import { region } from "#/model/region.ts";
import type { Transaction } from "#/space/space.ts";

/** How EC2 names the key that EBS has for itself: here that is the cloud's master key. */
export const ownKeyAlias = "alias/aws/ebs";

/** Before what a key of the key service has sealed. */
const underKms = "kms:";

/**
 * What seals the keys of volumes, each for its volume alone: the cloud's master key, or a key of the key service where the volume names
 * one. While that is off or about to be deleted its volumes are begun nowhere; what uses them already goes on, as at EBS.
 */
export class VolumeKeys {
  #sealer: Sealer;
  #kms: KmsKeys;

  constructor(parts: { sealer: Sealer; kms: KmsKeys }) {
    this.#sealer = parts.sealer;
    this.#kms = parts.kms;
  }

  /**
   * The key, base64, sealed for a volume under a key of the key service, whose next material is made with it when that is due; under the
   * master key without one. Throws "InvalidKMSKey.InvalidState" where it may not be used now.
   */
  seal(tx: Transaction, key: string, volume: string, record: KmsKeyRecord | undefined): string {
    if (!record) return this.#sealer.seal(key, forVolume(volume));
    this.#requireUsable(record);
    const current = this.#kms.rotatedIn(tx, record);
    const sealed = this.#kms.encryptNow(current, Buffer.from(key, "base64"), contextOf(volume));
    return underKms + Buffer.from(sealed).toString("base64");
  }

  /** The key, base64, that was sealed for a volume; undefined where the key that sealed it is gone for good. */
  open(sealed: string, volume: string): string | undefined {
    if (!sealed.startsWith(underKms)) return this.#sealer.unseal(sealed, forVolume(volume));
    const record = this.sealing(sealed);
    const plain = record && this.#kms.decrypt(record, blobOf(sealed), contextOf(volume));
    return plain && Buffer.from(plain).toString("base64");
  }

  /** The key of the key service that a key was sealed under; undefined for the master key, and for one that is gone. */
  sealing(sealed: string | undefined): KmsKeyRecord | undefined {
    if (!sealed?.startsWith(underKms)) return undefined;
    try {
      return this.#kms.keyOf(blobOf(sealed));
    } catch (thrown) {
      if (thrown instanceof AwsError) return undefined;
      throw thrown;
    }
  }

  /** What `sealing` gives. Throws "InvalidKMSKey.InvalidState" where that may not be used now, or is gone. */
  requireOpen(sealed: string | undefined): KmsKeyRecord | undefined {
    if (!sealed?.startsWith(underKms)) return undefined;
    const record = this.sealing(sealed);
    if (!record) throw invalidState("The KMS key that encrypts the volume has been deleted.");
    this.#requireUsable(record);
    return record;
  }

  /** The key of the key service that has this ARN; undefined for `ownKeyAlias`. Throws "InvalidParameterValue" where there is none. */
  named(asked: string): KmsKeyRecord | undefined {
    return asked === ownKeyAlias ? undefined : this.find(asked, { project: "", accountId: "" });
  }

  /**
   * The key that an id, an ARN or an alias means for an account. Throws "InvalidParameterValue"
   * where there is none.
   */
  find(asked: string, account: { project: string; accountId: string }): KmsKeyRecord {
    try {
      return this.#kms.find(asked, account, region);
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      throw new AwsError("InvalidParameterValue", 400, `KmsKeyId: ${thrown.message}`, {
        cause: thrown,
      });
    }
  }

  #requireUsable(record: KmsKeyRecord): void {
    try {
      this.#kms.requireUsable(record, region);
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      throw invalidState(thrown.message, thrown);
    }
  }
}

const forVolume = (volume: string) => `volume ${volume}`;
const contextOf = (volume: string) => ({ "aws:ebs:id": volume });
const blobOf = (sealed: string) => Buffer.from(sealed.slice(underKms.length), "base64");

function invalidState(message: string, cause?: Error): AwsError {
  return new AwsError("InvalidKMSKey.InvalidState", 400, message, { cause });
}
