import type { ParsedJob } from "./job-file.ts";

export interface ParsedWorkflow extends ParsedJob {
  /** What the file says of the run that was recorded. */
  recorded: Recorded;
}

export interface Recorded {
  name: string;
  /** Undefined for a workflow that was never run. */
  makespanMs: number | undefined;
  /** Sum of the tasks' run times. */
  workMs: number;
  tasks: number;
  machines: { name: string; cpus: number | undefined }[];
}

export interface WorkflowOptions {
  /** Recorded run times are multiplied by this; default 1. */
  timeScale?: number;
  /** Recorded sizes of files are multiplied by this; default `timeScale`. */
  sizeScale?: number;
  /** What each task runs instead of examples/work/work.mjs; "{program}", "{cpuMs}" and so on stand for members of its input. */
  command?: string[];
}

/** True for JSON text that looks like a recorded workflow, so that it is not taken for another file. */
export declare function isWfCommons(text: string): boolean;

/** Reads a recorded workflow. Throws CanopyError "invalid" with the place of the fault. */
export declare function parseWfCommons(text: string, file: string, options?: WorkflowOptions): ParsedWorkflow;
