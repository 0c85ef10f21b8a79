const KiB = 1024;

/** Every bound of instances; part of `limits`. */
export const instanceLimits = {
  /** Ids that an error names. */
  namedInErrorMax: 10,
  /** An instance that is terminated is told of for so long. */
  terminatedKeptMs: 60 * 60_000,
  endedInstancesLookMs: 60_000,
  /** Data of deregistered images goes when nobody has put or asked for it for so long; what must wait is looked at so often. */
  orphanUntouchedMs: 24 * 60 * 60_000,
  orphanLookMs: 60 * 60_000,
  /** Blobs of which it is found out at once who names them: by all records. */
  orphanedBlobsAtOnce: 100_000,
  /** An agent says all that it has so often, whatever was lost. */
  hostReportMs: 30_000,
  /** Letters of why a volume is not as it is to be. */
  unreadyReasonMax: 1000,
  /** What a machine is asked for is answered within this, and so many questions of it are open at most. */
  hostQuestionMs: 15_000,
  hostQuestionsMax: 64,
  /** Terminals that are open on one machine; bytes that are on their way in one, either way; bytes of one message. */
  terminalsMax: 32,
  terminalAheadBytes: 256 * KiB,
  terminalPieceBytes: 32 * KiB,
  /** How often a door looks whether somebody who reads slowly has read. */
  terminalLookMs: 50,
  /** Words of a command, and characters in all of them. */
  terminalWordsMax: 1000,
  terminalCommandLengthMax: 32 * KiB,
  /** One that cannot be started, or has crashed, is tried again after this, doubled each time. */
  instanceRetryMs: 1000,
  instanceRetryMsMax: 60_000,
  instanceStartsMax: 5,
  /** One that ran for so long has come up well: what failed before that does not count against it. */
  instanceSoundMs: 10 * 60_000,
  /** One that is recovered elsewhere ends itself when its agent heard nothing of the cloud for so long. */
  instanceLeaseMs: 30_000,
  /**
   * Beyond its lease, until it is certain that it has ended: the agent looks seldom (hostLookMs), ending takes a while (killGraceMs), and
   * no two clocks are equally fast.
   */
  instanceLeaseMarginMs: 15_000,
  /** It is looked so often which machines are silent. */
  recoveryLookMs: 2_000,
  /** It is looked so often what spot instances cost, and whether they may go on; they are told so long before they are taken. */
  spotLookMs: 5_000,
  spotNoticeMs: 120_000,
  /** As long as EC2 tells of spot prices. */
  spotPricesKeptMs: 90 * 24 * 60 * 60_000,
  /** Of a zone and a day; from then on they move so seldom. */
  spotPointsMax: 500,
  spotPointsApartMs: 5 * 60_000,
  /** What is told of interruptions is of so long ago at most, and nothing is where fewer have run. */
  spotAdviceMs: 30 * 24 * 60 * 60_000,
  spotRunsKnownMin: 10,
  /** What an instance uses is kept as one number for each window, so many at most. */
  useWindowMs: 60 * 60_000,
  useWindows: 24,
  /** It is idle where it used less than that of its processors, in thousandths, in each of them. */
  idlePerMille: 20,
  /** Subscriptions to events of a project's instances, and instances that one names. */
  eventSubscriptionsMax: 100,
  eventInstancesMax: 100,
  /** While so much waits for a place, or for all of a project, it is not told of more: its subscription counts what it missed. */
  eventsWaitingMax: 10_000,
  eventsOfProjectWaitingMax: 30_000,
  /** A guest or an init has so long to end by itself. */
  instanceStopMs: 60_000,
  /** A container's program, as other engines have it. */
  containerStopMs: 10_000,
  /** One that is terminated. */
  instanceLeaveMs: 3_000,
  /** An agent looks so often whether the cloud is silent. */
  hostLookMs: 2_000,
  /** An agent that ends waits so long for what it is doing to instances. */
  hostCloseMs: 5_000,
  /** A file with a disk is open, and closed again, within this. */
  diskOpenMs: 10_000,
  diskCloseMs: 60_000,
  /** A program that makes or changes a file with a disk. */
  diskProgramMs: 60_000,
  diskProgramTries: 10,
  /** Chunks of a disk that are in memory at once. */
  diskChunksAtOnce: 4,
  /** A list of chunks: of a disk of 16 TiB that is full, 280 MB. */
  diskManifestBytesMax: 512 * 1024 * 1024,
  /** What an agent that has gone left half made on shared storage. */
  diskMakingKeptMs: 24 * 60 * 60_000,
  /** Processors that the instances of a machine may see for each that it has. */
  instanceVcpusPerCpu: 64,
  /** How many times what a machine has its labels may let instances hold. */
  overcommitCpuMax: 16,
  overcommitMemoryMax: 4,
  /** What is told of a network waits so long for the instances that it is about, to be made with them at once. */
  networkNewsMs: 30,
  /** Shells that wait to run what networks are made with, and how long after the last that was run. */
  networkShells: 3,
  networkShellsMs: 60_000,
  /** Places on a network that wait for a container, made so long after one came, and removed so long after the last. */
  networkPlacesReady: 2,
  networkPlacesReadyAfterMs: 100,
  networkPlacesReadyMs: 10 * 60_000,
  /** Instances that an agent starts at once. */
  instanceStartsAtOnce: 8,
} as const;
