const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Bounds of the sandboxes that functions run in: part of `limits`, by which code names them. */
export const sandboxLimits = {
  /** Each has an owner of its own on the machine, the first of them `sandboxOwnerBase`. */
  sandboxesMax: 4_096,
  sandboxOwnerBase: 0x3000_0000,
  /** Processes and threads of one, and files that a process of it has open: as on AWS. */
  sandboxProcessesMax: 1_024,
  sandboxOpenFiles: 1_024,
  /** What a waiting one has as /tmp until it is known for whom it is. */
  sandboxTmpBytes: 512 * MiB,
  /** One that has not said within this that it waits for its code is given up. */
  sandboxStartMs: 30_000,
  /** Waiting ones of one kind, made so long after a sandbox of it was taken, and ended so long after the last. */
  sandboxesReady: 1,
  sandboxesReadyAfterMs: 50,
  sandboxesReadyMs: 10 * 60_000,
  /** Kinds that have waiting ones: the least lately used loses its own. */
  sandboxKindsReadyMax: 6,
  /** One without a call stands still so long after the last. */
  sandboxRestMs: 1_000,
  /** Whether it stands still already is looked at this often. */
  sandboxFreezeLookMs: 20,
  /** What a function gives: 6 MiB, and what AWS allows for what is around it. */
  functionAnswerBytesMax: 6_291_556,
  /** What it prints is told this often, at most so many lines at once. */
  functionPrintsMs: 50,
  functionPrintLinesMax: 1_000,
  /** An answer waits so long for what was printed before it. */
  functionPrintsWaitMs: 250,
  /** Of one line; of all that one environment prints in a second: it waits when it prints more. */
  functionPrintLineBytesMax: 256 * KiB,
  functionPrintBytesPerSecond: 2 * MiB,
  /** What is kept of one call's prints: the rest is dropped. */
  functionCallPrintBytesMax: 2 * MiB,
  /** Unpacked archives that nothing uses go after this. */
  sandboxCodeKeptMs: 60 * 60_000,
  /** All of them together: the least lately used go first. */
  sandboxCodesBytesMax: 4 * GiB,
} as const;
