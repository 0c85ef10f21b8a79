import type { JobRequestInput } from "./job-request.ts";
import type { Upload } from "./upload.ts";

export interface ParsedJob {
  request: JobRequestInput;
  /** What to store first, putting each key into its slots. */
  uploads: Upload[];
}

/** Reads a job file. `file` is its name as messages give it. Throws CanopyError "invalid" with the place of the fault. */
export declare function parseJobFile(text: string, file: string): ParsedJob;
