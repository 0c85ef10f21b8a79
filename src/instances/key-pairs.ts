import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { KeyPairRecord, KeyPairSpec } from "#/model/virtual-network.ts";
import type { Space } from "#/space/space.ts";
import { keyPairNameOf } from "./metadata.ts";
import { newEd25519, newRsa, publicKeyFrom, type PublicKey } from "./openssh-keys.ts";

/** Keys that open instances. The cloud keeps their public halves alone. */
export class KeyPairs {
  #space: Space;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;

  constructor(parts: { space: Space; clock: Pick<Clock, "now">; random: Pick<Random, "bytes"> }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /**
   * Makes one, and gives its private half, which nobody can give again: the same token soon after makes another one in its place.
   * Throws "InvalidKeyPair.Duplicate".
   */
  async create(
    project: string,
    asked: {
      title: string;
      type: KeyPairSpec["type"];
      tags?: Record<string, string>;
      clientToken?: string | undefined;
    },
  ): Promise<{ record: KeyPairRecord; privateKey: string }> {
    const { title, type, tags, clientToken } = asked;
    this.#requireFree(project, title, clientToken);
    const made = type === "rsa" ? await newRsa() : newEd25519(this.#random.bytes(36), title);
    const record = this.#put(project, { title, tags, key: made, clientToken });
    return { record, privateKey: made.privateKey };
  }

  /** Takes a public key: OpenSSH's line, or PEM. Throws "InvalidKey.Format", "InvalidKeyPair.Duplicate". */
  add(
    project: string,
    asked: { title: string; publicKey: string; tags?: Record<string, string> },
  ): KeyPairRecord {
    const { title, tags, publicKey } = asked;
    this.#requireFree(project, title);
    return this.#put(project, { title, tags, key: publicKeyFrom(publicKey, title) });
  }

  #put(
    project: string,
    {
      title,
      tags = {},
      key,
      clientToken,
    }: {
      title: string;
      tags: Record<string, string> | undefined;
      key: PublicKey;
      clientToken?: string | undefined;
    },
  ): KeyPairRecord {
    const { type, publicKey, fingerprint } = key;
    const name = keyPairNameOf(project, title);
    const spec: KeyPairSpec = {
      id: resourceId("key", this.#random),
      title,
      createdAt: this.#clock.now(),
      type,
      publicKey,
      fingerprint,
      ...(clientToken !== undefined && { clientToken }),
      tags,
    };
    return this.#space.commit((tx) => {
      this.#requireFree(project, title, clientToken);
      const lost = tx.get("key-pair", name);
      if (lost) return tx.put<"key-pair">({ ...lost, spec: { ...spec, id: lost.spec.id } });
      return tx.put<"key-pair">({ kind: "key-pair", project, name, spec, status: {} });
    }).value;
  }

  #requireFree(project: string, title: string, clientToken?: string): void {
    if (title.trim() === "" || title.length > 255 || /[^\x20-\x7e]/.test(title))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${title.slice(0, 100)}) for parameter keyName is invalid: it has 1 to 255 ASCII characters.`,
      );
    const known = this.#space.get("key-pair", keyPairNameOf(project, title))?.spec;
    const isAgain = clientToken !== undefined && known?.clientToken === clientToken;
    if (isAgain && known.createdAt > this.#clock.now() - limits.requestKeptMs) return;
    if (known) throw new AwsError("InvalidKeyPair.Duplicate", 400, "The keypair already exists");
    if (this.list(project).length >= limits.keyPairsMax)
      throw new AwsError(
        "KeyPairLimitExceeded",
        400,
        "The maximum number of key pairs has been reached.",
      );
  }

  /** Instances that have it keep it. */
  delete({ name }: KeyPairRecord): void {
    this.#space.commit((tx) => tx.delete("key-pair", name));
  }

  change({ name }: KeyPairRecord, tags: Record<string, string>): KeyPairRecord {
    return this.#space.commit((tx) => {
      const record = tx.get("key-pair", name)!;
      return tx.put<"key-pair">({ ...record, spec: { ...record.spec, tags } });
    }).value;
  }

  list(project: string): KeyPairRecord[] {
    return [...this.#space.all("key-pair")].filter((key) => key.project === project);
  }

  /** By title, or by id. Throws "InvalidKeyPair.NotFound". */
  find(project: string, asked: { title: string } | { id: string }): KeyPairRecord {
    const found =
      "title" in asked
        ? this.#space.get("key-pair", keyPairNameOf(project, asked.title))
        : this.list(project).find(({ spec }) => spec.id === asked.id);
    if (found) return found;
    throw new AwsError(
      "InvalidKeyPair.NotFound",
      400,
      "title" in asked
        ? `The key pair '${asked.title.slice(0, 255)}' does not exist`
        : `The key pair ID '${asked.id.slice(0, 100)}' does not exist`,
    );
  }
}
