import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import type { JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Space, Transaction } from "#/space/space.ts";

export declare function submitJob(
  tx: Transaction,
  asked: { request: JobRequest; project: string; submittedBy: string; now: number; id: string },
): JobRecord;

export declare function addStep(
  tx: Transaction,
  job: JobRecord,
  request: StepRequest,
  options?: { number?: number },
): StepRecord;

export declare function appendTasks(
  tx: Transaction,
  step: StepRecord,
  from: number,
  inputs: readonly { input: string; inputObject?: string }[],
  close: boolean,
): { offered: number };

export declare function closeJob(tx: Transaction, job: JobRecord): JobRecord;
export declare function cancelJob(tx: Transaction, job: JobRecord, reason: string, now: number): JobRecord;
/** Looks in the archive too. */
export declare function retryJob(space: Space, job: string): Promise<JobRecord>;
