import type { RecordOf } from "./record.ts";

/** An address outside that is told of events. Its name is "PROJECT/NAME". */
export type WebhookRecord = RecordOf<"webhook", WebhookSpec, WebhookStatus>;

export interface WebhookSpec {
  url: string;
  /** What messages are signed with, sealed. */
  sealedSecret: string;
  createdAt: number;
}

export interface WebhookStatus {
  /** How many messages it was not told in all tries, and of the newest of them when and why. */
  dead?: { count: number; at: number; fault: string };
}

/** How S3's notifications name a webhook. */
export const webhookArn = (region: string, accountId: string, name: string): string =>
  `arn:canopy:webhook:${region}:${accountId}:${name}`;

/** The name in a webhook's ARN; undefined for one of something else. */
export const webhookNameOf = (arn: string): string | undefined =>
  /^arn:canopy:webhook:[a-z0-9-]*:\d{12}:([\w-]{1,64})$/.exec(arn)?.[1];
