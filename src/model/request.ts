import type { RecordOf } from "./record.ts";

/** That a changing call with this idempotency key was carried out, and what it answered. In the same commit as its effect. */
export type RequestRecord = RecordOf<"request", { at: number; digest: string }, { answer: string }>;
