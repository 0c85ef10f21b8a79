import type { RecordOf } from "./record.ts";

/** The key that the cloud seals secrets with, itself sealed under a master key. */
export type VaultKeyRecord = RecordOf<
  "vault-key",
  { createdAt: number },
  {
    sealed: string;
    /** Tells master keys apart, and nothing of them. */
    masterId: string;
    /** The cloud's own signing secret, or one that its operator gave. */
    sealedBy: "signing" | "master";
  }
>;
