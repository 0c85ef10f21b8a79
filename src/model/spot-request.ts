import type { RecordOf } from "./record.ts";

/** Somebody wants instances as long as they cost no more than so much: "sir-01234567". */
export type SpotRequestRecord = RecordOf<"spot-request", SpotRequestSpec, SpotRequestStatus>;

export interface SpotRequestSpec {
  createdAt: number;
  type: "one-time" | "persistent";
  maxMicrosPerHour: number;
  onInterruption: "terminate" | "stop" | "hibernate";
  validUntil?: number;
  /** What is started: a LaunchWish, as JSON. */
  launch: string;
  clientToken?: string;
  tags: Readonly<Record<string, string>>;
}

export interface SpotRequestStatus {
  state: "open" | "active" | "closed" | "cancelled" | "failed" | "disabled";
  /** As EC2 has them: "pending-evaluation", "fulfilled", "price-too-low". */
  code: string;
  message: string;
  since: number;
  instance?: string;
}
