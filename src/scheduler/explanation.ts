/** One reason, as a sentence that a person will read, and what to do about it where there is something to do. */
export interface Explanation {
  /** The machine it is about; absent when it holds for all. */
  machine?: string;
  /** The task or step it is about, where it is not all of what was asked for. */
  subject?: string;
  sentence: string;
  /** The smallest change with which it would be otherwise. */
  flip?: string;
  /** A command that can be pasted, or a change to make. */
  advice?: string;
}

/** Why no machine will ever run something, and which one comes nearest. */
export interface Misfit {
  sentence: string;
  /** The machine that lacks the least; undefined when no machine has the driver. */
  nearest: string | undefined;
}
