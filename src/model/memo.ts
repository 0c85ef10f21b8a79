import type { RecordOf } from "./record.ts";

/** The result of a task by the digest of all that determines it, to be reused. Archived at once: it lives in the log only. */
export type MemoRecord = RecordOf<"memo", { task: string; at: number }, MemoStatus>;

export interface MemoStatus {
  result?: string;
  resultBlob?: string;
  outputs?: Readonly<Record<string, string>>;
}
