import type { RecordOf } from "./record.ts";

/** What the cloud signs identity documents of instances with: made once, with the first of them. */
export type IdentityKeyRecord = RecordOf<
  "identity-key",
  {
    createdAt: number;
    /** By which others check the signatures: X.509, PEM. */
    certificate: string;
    /** The number in it, base64. */
    serial: string;
  },
  { sealedKey: string }
>;
