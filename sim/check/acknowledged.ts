/** A step as it was asked for, and what of it was acknowledged. */
export interface AskedStep {
  inputs: string[];
}

export interface AskedJob {
  id: string;
  title: string;
  steps: AskedStep[];
  wasCancelled: boolean;
}

/** What clients were told is done. */
export class Acknowledged {
  readonly jobs = new Map<string, AskedJob>();
  answers = 0;
}
