import type { RecordOf } from "./record.ts";

/** A key of the key service. Its record is named `PROJECT/ID`; its material is sealed, and leaves the cloud never. */
export type KmsKeyRecord = RecordOf<"kms-key", KmsKeySpec, KmsKeyStatus>;

export interface KmsKeySpec {
  /** A UUID. */
  id: string;
  accountId: string;
  createdAt: number;
  description: string;
  /** JSON. */
  policy: string;
  isEnabled: boolean;
  /** When it is deleted for good; until then it opens nothing, and that can be called off. */
  deletionAt?: number;
  /** New material each so many days. */
  rotation?: { everyDays: number; since: number };
  tags?: Readonly<Record<string, string>>;
  /** "AWS" for the one that a service made for itself. */
  manager: "AWS" | "CUSTOMER";
}

export interface KmsKeyStatus {
  /** The last one encrypts, all of them decrypt. */
  materials: readonly { sealed: string; createdAt: number; isOnDemand?: true }[];
}

/** Another name of a key: `PROJECT/NAME` with slashes encoded, NAME without "alias/". */
export type KmsAliasRecord = RecordOf<
  "kms-alias",
  { name: string; keyId: string; createdAt: number; updatedAt: number },
  object
>;

export function kmsKeyArn({ accountId, id }: Pick<KmsKeySpec, "accountId" | "id">, region: string) {
  return `arn:aws:kms:${region}:${accountId}:key/${id}`;
}

export function kmsAliasRecordName(project: string, name: string): string {
  return `${project}/${encodeURIComponent(name)}`;
}
