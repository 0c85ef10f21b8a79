import type { AccessKeyRecord } from "./access-key.ts";
import type { BucketRecord } from "./bucket.ts";
import type { CarbonZoneRecord } from "./carbon-zone.ts";
import type { ConfinedRecord } from "./confinement.ts";
import type { DecisionRecord } from "./decision.ts";
import type {
  IamGroupRecord,
  IamPolicyRecord,
  IamProfileRecord,
  IamRoleRecord,
  IamUserRecord,
} from "./iam.ts";
import type { ImageRecord } from "./image.ts";
import type { InstanceRecord } from "./instance.ts";
import type { JobRecord } from "./job.ts";
import type { EventSubscriptionRecord } from "./event-subscription.ts";
import type { FunctionAliasRecord, FunctionRecord, FunctionVersionRecord } from "./function.ts";
import type { FunctionEventRecord } from "./function-event.ts";
import type { GameDayRecord, HitRecord } from "./game-day.ts";
import type { KeyRecord, JoinTokenRecord, ProjectRecord } from "./access.ts";
import type { KmsAliasRecord, KmsKeyRecord } from "./kms.ts";
import type { LaunchTemplateRecord } from "./launch-template.ts";
import type { MachineRecord } from "./machine.ts";
import type { MemoRecord } from "./memo.ts";
import type { NoticeRecord } from "./notice.ts";
import type { OrderRecord } from "./order.ts";
import type { PlacementGroupRecord } from "./placement-group.ts";
import type { PlanRecord } from "./plan.ts";
import type { PolicyRecord } from "./policy.ts";
import type { MessageRecord, QueueRecord } from "./queue.ts";
import type { RequestRecord } from "./request.ts";
import type { SiteRecord } from "./site.ts";
import type { SpotPricesRecord, SpotUseRecord } from "./spot-market.ts";
import type { SpotRequestRecord } from "./spot-request.ts";
import type { StepRecord } from "./step.ts";
import type { TaskRecord } from "./task.ts";
import type { IdentityKeyRecord } from "./identity-key.ts";
import type { VaultKeyRecord } from "./vault-key.ts";
import type {
  AddressRecord,
  KeyPairRecord,
  SecurityGroupRecord,
  SubnetRecord,
  VpcRecord,
} from "./virtual-network.ts";
import type { SnapshotRecord, SnapshotRemovalRecord, VolumeRecord } from "./volume.ts";
import type { WebhookRecord } from "./webhook.ts";

/**
 * One thing that Canopy knows. `spec` is what the user wants, `status` what the world is; neither
 * writes the other. Records are never changed in place: a new revision replaces the old one.
 */
export interface RecordOf<Kind extends string, Spec, Status> {
  readonly kind: Kind;
  readonly project: string;
  /** Numbers records in the order they were first made; never used twice. */
  readonly serial: number;
  /** Unique within its kind. A '/' makes it a part of what stands before: task "j1/0/7" of step "j1/0" of job "j1". */
  readonly name: string;
  /** 1 for a new record, then one more with each change. */
  readonly revision: number;
  readonly spec: Spec;
  readonly status: Status;
}

export type AnyRecord =
  | JobRecord
  | StepRecord
  | TaskRecord
  | MachineRecord
  | ProjectRecord
  | BucketRecord
  | NoticeRecord
  | WebhookRecord
  | QueueRecord
  | MessageRecord
  | FunctionRecord
  | FunctionVersionRecord
  | FunctionAliasRecord
  | KeyRecord
  | AccessKeyRecord
  | IamUserRecord
  | KmsKeyRecord
  | VaultKeyRecord
  | IdentityKeyRecord
  | KmsAliasRecord
  | IamGroupRecord
  | IamRoleRecord
  | IamPolicyRecord
  | IamProfileRecord
  | JoinTokenRecord
  | MemoRecord
  | RequestRecord
  | PolicyRecord
  | GameDayRecord
  | HitRecord
  | SiteRecord
  | OrderRecord
  | PlanRecord
  | DecisionRecord
  | CarbonZoneRecord
  | ConfinedRecord
  | InstanceRecord
  | ImageRecord
  | VolumeRecord
  | SnapshotRecord
  | SnapshotRemovalRecord
  | VpcRecord
  | SubnetRecord
  | SecurityGroupRecord
  | AddressRecord
  | KeyPairRecord
  | SpotRequestRecord
  | SpotPricesRecord
  | SpotUseRecord
  | EventSubscriptionRecord
  | PlacementGroupRecord
  | LaunchTemplateRecord
  | FunctionEventRecord;

export type Kind = AnyRecord["kind"];

const isKind: Record<Kind, true> = {
  project: true,
  bucket: true,
  notice: true,
  webhook: true,
  queue: true,
  message: true,
  function: true,
  "function-version": true,
  "function-alias": true,
  key: true,
  "access-key": true,
  "iam-user": true,
  "iam-group": true,
  "iam-role": true,
  "iam-policy": true,
  "iam-instance-profile": true,
  "kms-key": true,
  "vault-key": true,
  "identity-key": true,
  "kms-alias": true,
  "join-token": true,
  machine: true,
  policy: true,
  job: true,
  step: true,
  task: true,
  memo: true,
  request: true,
  "game-day": true,
  hit: true,
  plan: true,
  decision: true,
  site: true,
  order: true,
  "carbon-zone": true,
  confined: true,
  instance: true,
  image: true,
  volume: true,
  snapshot: true,
  "snapshot-removal": true,
  vpc: true,
  subnet: true,
  "security-group": true,
  address: true,
  "key-pair": true,
  "spot-request": true,
  "spot-prices": true,
  "spot-use": true,
  "event-subscription": true,
  "placement-group": true,
  "launch-template": true,
  "function-event": true,
};

/** Every kind there is. */
export const kinds = Object.keys(isKind) as readonly Kind[];

export type RecordOfKind<K extends Kind> = Extract<AnyRecord, { kind: K }>;

/** The name of what a record is a part of; "" for one that stands alone. */
export function parentOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

/**
 * What happened to a record. An archived record leaves memory and stays findable in the log, from
 * where it can be restored; a deleted one is gone.
 */
export interface Change {
  readonly op: "put" | "archive" | "restore" | "delete";
  readonly record: AnyRecord;
}
