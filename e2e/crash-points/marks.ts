/** One change of a commit: what was done to which record, and the text that it holds from then on. */
export type Told = [op: "put" | "archive" | "delete", kind: string, name: string, text: string];

/** What the workload says. */
export type Mark =
  /** It has opened the log, and found so many commits in it. */
  | { life: number; count: number; epoch: number }
  /** Commit number `begun` does this. */
  | { begun: number; told: Told[] }
  /** A commit is kept, */
  | { kept: number }
  /** or a file: with a text in it, or with content of this SHA-256. */
  | { kept: string; holds: string }
  | { kept: string; digest: string };
