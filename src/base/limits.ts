import { autonomicLimits } from "./autonomic-limits.ts";
import { awsLimits } from "./aws-limits.ts";
import { bucketLimits } from "./bucket-limits.ts";
import { containerLimits } from "./container-limits.ts";
import { functionLimits } from "./function-limits.ts";
import { instanceLimits } from "./instance-limits.ts";
import { networkLimits } from "./network-limits.ts";
import { transferLimits } from "./transfer-limits.ts";
import { objectLimits } from "./object-limits.ts";
import { sandboxLimits } from "./sandbox-limits.ts";
import { vmLimits } from "./vm-limits.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/**
 * Every bound that Canopy keeps, under one name. Each queue, batch, body, retry and wait is here, those of plans and of
 * what Canopy decides in the file beside it; code names the limit and never a number.
 */
export const limits = {
  /** Inputs and results up to this size travel inline; larger ones become blobs. */
  inlineBytesMax: 64 * KiB,
  /** One JSON body on the API. */
  bodyBytesMax: 8 * MiB,
  /** One blob. */
  blobBytesMax: 64 * GiB,
  /** When a blob was put, or asked for, is known to be so exact. */
  blobTouchedEveryMs: 60 * 60_000,
  /** Tasks that one call may append. */
  appendTasksMax: 10_000,
  /** Tasks that one pull may hand out. */
  pullTasksMax: 1024,
  /** About the bytes that one pull may hand out, inputs and what is told of their steps: far less than linkMessageBytesMax. */
  offerBytesMax: 16 * MiB,
  /** Results that one report may carry. */
  finishTasksMax: 4096,
  /** Tasks of one job that may wait at once; a master that offers more is held back. */
  jobWaitingTasksMax: 2_000_000,
  /** Tasks of one step, beyond those that all machines could have at once, up to which a lazy source (lines, grid) is unfolded. */
  stepUnfoldedTasksMax: 4096,
  /** Tasks unfolded from a lazy source by one commit. */
  unfoldBatchMax: 1024,
  /** Bytes of a file of lines that are read ahead; the longest line. */
  linesAheadBytes: 1 * MiB,
  lineBytesMax: 8 * MiB,
  /** A file of lines up to this size is counted first, so that progress knows its total. */
  linesCountedBytesMax: 1 * GiB,
  /** Records that one commit of the jobs loop changes: it goes on in its next turn. */
  jobsBatchMax: 2048,
  /** The jobs loop looks for ended jobs to archive this often. */
  jobsLookMs: 5_000,
  /** Steps in one job. */
  jobStepsMax: 100_000,
  /** Tasks in one step. */
  stepTasksMax: 100_000_000,
  /** A master that is held back waits this long before it is told to come again. */
  throttleHoldMs: 10_000,
  /** A leader of a shared log says that it lives this often; one that is silent for so long is deposed. */
  leaderBeatMs: 500,
  leaderSilentMs: 2_000,
  /** A follower looks for what is new this often, when nobody tells it. */
  followMs: 250,
  /** A call that needs a leader waits this long for one. */
  leaderWaitMs: 5_000,
  /** One that resigned answers what it was asked before within this; after that nobody waits for it. */
  handOverMs: 2_000,
  /** A follower that cannot read to the end of the log within this hands a read on too. */
  catchUpMs: 2_000,
  /** A body up to this size that a follower hands on is kept, to be sent again to another leader. */
  forwardBodyBytesMax: 1 * MiB,
  /** A follower tells its leader this often where it is, and is forgotten when it did not for so long. */
  announceMs: 1_000,
  announcedMs: 5_000,
  /** A PostgreSQL server is reached within this, and others of its address are waited for so long once one is found. */
  postgresConnectMs: 3_000,
  postgresOthersMs: 250,
  /** It answers within this, or the connection is given up; it waits so long for a lock. */
  postgresAnswerMs: 10_000,
  postgresLockMs: 2_000,
  /** Looking through all changes kept, once at start. */
  postgresScanMs: 60_000,
  /** One that takes longer than this to commit a single row is refused at start: its leader would be taken for silent. */
  postgresCommitMsMax: 1_000,
  /** Records that a leader archived last, kept in memory for those who ask at once. */
  recentlyEndedBytesMax: 16 * MiB,
  /** Connections for blobs, and for logs. */
  postgresConnections: 3,
  /** A blob in PostgreSQL is kept in parts; an upload that gives none for so long was abandoned. */
  blobPartBytes: 1 * MiB,
  uploadAbandonedMs: 60 * 60_000,
  /** While it is away, it is tried again after at least and at most this. */
  postgresRetryMsMin: 50,
  postgresRetryMsMax: 1_000,
  /** A lease not renewed for this long is over; looked at so often that its work is free again within 10 s. */
  leaseMs: 9_000,
  leaseLookMs: 450,
  /** An agent says that it lives this often, and is answered. */
  heartbeatMs: 2_000,
  /** An agent of a spot instance asks this often whether it is to be taken away, as AWS recommends, and waits so long for an answer. */
  spotNoticeLookMs: 5_000,
  spotNoticeAnswerMs: 2_000,
  /** A link on which an agent hears nothing for this long is dead: it dials again well within its lease. */
  linkSilentMs: 5_000,
  /** A dial is given up after this; another control plane is dialled beside it when it takes longer than that. */
  dialMs: 3_000,
  dialAheadMs: 250,
  /** Control planes that an agent remembers beyond those that it was given, the last ones told. */
  controlPlanesKeptMax: 8,
  /** An agent that could not reach its cloud tries again after at least and at most this. */
  reconnectMsMin: 100,
  reconnectMsMax: 5_000,
  /** While its link is gone no longer than this, it waits at most so long: a new leader is there in seconds. */
  reconnectEagerMs: 60_000,
  reconnectEagerMsMax: 500,
  /** A failed attempt is tried again after a wait that doubles between these. */
  retryMsMin: 500,
  retryMsMax: 60_000,
  retriesMax: 100,
  /** A task whose machine was lost this often is given up. */
  lostMax: 5,
  /** Of tasks on spot machines, which go by themselves: that many lost ones say something of the task. */
  spotLostMax: 100,
  /** The same for the code of a durable job, which lives through many machines. */
  jobLostMax: 100,
  /** What is slow or hangs is looked for this often; it rests so many times as long as its last look took. */
  healLookMs: 1_000,
  healRestFactor: 20,
  /** A task has run for so long, and so many times as long as half of its like took, before it gets a second attempt. */
  copyAfterMs: 2_000,
  copyAfterFactor: 1.5,
  /** So many of its like have ended before; the second attempt would end first with this chance. */
  copyEvidenceMin: 5,
  copyChanceMin: 0.75,
  /** Second attempts of a task in all; of a job at once, also as a share of its tasks under way. */
  taskCopiesMax: 2,
  jobCopiesMax: 16,
  jobCopiesShareMax: 0.1,
  /** What one look looks at, the oldest first: steps, attempts of each, and others that they are compared with. */
  healStepsMax: 16,
  healAttemptsMax: 4,
  healOthersMax: 64,
  /** An attempt hangs that runs so many times as long as 99 of 100 of its like, and this long; so many have ended before. */
  hungFactor: 10,
  hungMsMin: 60_000,
  hungEvidenceMin: 20,
  /** Of the tasks of a step that ended, so many steps and failed tasks of each are kept to judge machines by. */
  healthStepsMax: 200,
  healthFailuresMax: 64,
  /** A machine misbehaves when so many tasks failed on it, or it lost what it ran so often, in so long. */
  misbehaviourMin: 3,
  misbehaviourMs: 15 * 60_000,
  /** And when that would happen by chance to one of all machines this rarely. */
  misbehaviourChanceMax: 0.001,
  /** So many times as long take tasks on a machine that is far slower than its like, in so many tasks. */
  slowMachineFactor: 3,
  slowMachineTasksMin: 8,
  /** A machine on trial that does so many tasks well is trusted again. */
  trialTasks: 5,
  /** It is isolated for so long, and each time for twice as long, up to a day. */
  isolatedMs: 10 * 60_000,
  isolatedMsMax: 24 * 60 * 60_000,
  /** Canopy mistrusts no larger part of all machines at once. */
  mistrustedShareMax: 0.25,
  /** So many attempts of a step fail in so long, and hardly one ends well: its tasks are handed out one by one. */
  poisonFailuresMin: 100,
  poisonMs: 30_000,
  poisonGoodShareMax: 0.05,
  /** The time between them at first; it doubles while they fail. So many in a row that end well end it. */
  slowedMsMin: 1_000,
  slowedMsMax: 60_000,
  slowedGoodMin: 3,
  /** So many jobs that one key began fail in so long, and none ends well: it begins others with a time between, as above. */
  failedJobsMin: 20,
  failedJobsMs: 10 * 60_000,
  /** Changing calls that one key may make at once, with those of its jobs' code; and one more each time this has passed. */
  callsMax: 10_000,
  callMs: 1,
  /** Keys that are remembered for that; that one was slowed down is written down again after so long. */
  callersMax: 10_000,
  callerSaidMs: 10 * 60_000,
  /** Wrong keys that one address may show at once, or that may be the same one; and one more each time this has passed. */
  wrongKeysMax: 20,
  wrongKeyMs: 3_000,
  /** Addresses and keys that are remembered for that; what was slowed down is written down again after so long. */
  wrongKeySourcesMax: 10_000,
  wrongKeySaidMs: 60 * 60_000,
  /** One of which nothing of the kind is known is only reported, after this. */
  hungReportMs: 60 * 60_000,
  /** Text of an error that is kept with an attempt: the message, and the stack. */
  errorTextBytesMax: 16 * KiB,
  /** Short tasks are handed out ahead of free CPUs, up to so much work for each CPU. */
  prefetchMs: 100,
  /** A task handed out ahead that has not begun after this goes to another machine. */
  prefetchedMsMax: 6_000,
  /** A task passed over so long by smaller ones has a machine kept free for it; the first time for so long. */
  passedOverMs: 2_000,
  keptFreeMs: 10_000,
  /** A task waits for the machine that has its input for as long as moving that would take at such a pace, and no longer than this. */
  movedBytesPerSecond: 100 * MiB,
  homeWaitMsMax: 5_000,
  /** Tasks of one gang: no more than are looked up ahead of handing them out. */
  gangTasksMax: 512,
  /** Gangs that wait are looked at so often; at most so many of them, and so many have places kept for them at once. */
  gangLookMs: 50,
  gangsTriedMax: 32,
  gangsKeptForMax: 8,
  /** TCP ports that gangs are told to meet on: below those that Linux gives to outgoing connections. */
  gangPortMin: 16_384,
  gangPortMax: 32_767,
  /** Whoever waits for what is theirs by quota gets it back after this at the latest; looked at so often. */
  reclaimMs: 5_000,
  reclaimLookMs: 100,
  /** Where others get the place that was made for it, it rests so long at most before it makes room again. */
  reclaimRestMsMax: 60_000,
  /** A project that could not use its share makes up for so many CPU-milliseconds of it at most. */
  shareCreditMs: 10_000,
  /** What a task that asks for no CPU is taken to hold at least, so that a machine runs only so many. */
  idleTaskMemoryBytes: 64 * MiB,
  /** Tasks of one step whose files and earlier results are looked up ahead of handing them out. */
  prepareTasksMax: 512,
  /** What a task may print before the rest is dropped, and what one job may. */
  taskLogBytesMax: 4 * MiB,
  jobLogBytesMax: 256 * MiB,
  /** One line of a log. */
  logLineBytesMax: 16 * KiB,
  /** A runner is replaced after so many tasks. */
  runnerTasksMax: 1_000_000,
  /** An idle runner of a module that is not the newest in use ends after this. */
  runnerIdleMs: 60_000,
  /** Shuffled bytes an agent keeps in memory before it spills to disk. */
  shuffleBytesMax: 512 * MiB,
  /** Join tokens and the page's one-time token. */
  joinTokenMs: 60 * 60_000,
  /** Ended jobs stay in memory this long, and at most so many of them. */
  endedJobMs: 15 * 60_000,
  endedJobsMax: 1_000,
  /** Durable changes kept for watchers that come back. */
  changesKeptBytes: 64 * MiB,
  /** Pages of 4 KiB in the write-ahead log after which they move into the database. */
  checkpointPages: 16_000,
  /** A batch of up to so many changes is synced at once, a larger one on a thread beside. */
  syncInlineChangesMax: 16,
  /** By so much the write-ahead log is made longer ahead of what is written. */
  writeAheadGrowBytes: 8 * MiB,
  /** Ended tasks that the log keeps in one row: at least and at most so many, of so many serials. */
  packTasksMin: 8,
  packTasksMax: 256,
  packSpanMax: 1024,
  /** Steps whose newest run of tasks the log remembers, to make it longer rather than begin another. */
  growingStepsMax: 10_000,
  /** A page of a list. */
  pageMax: 1000,
  /** Steps of archived jobs that are read for one page of jobs. */
  listedStepsMax: 2000,
  pageDefault: 100,
  /** Event streams open at once. */
  watchersMax: 1000,
  /** A watcher may be this many bytes behind before it is cut off. */
  watcherBehindBytesMax: 16 * MiB,
  /** Bytes given to a connection that have not left, above which its stream waits for it. */
  streamAheadBytesMax: 1 * MiB,
  /** A stream that has nothing to say says so this often, so that nobody between cuts it. */
  streamIdleMs: 15_000,
  /** Progress of one job is told at most this often. */
  progressMs: 250,
  /** Results that came out of order and wait in memory for those before them, of one reader. */
  resultsAheadBytesMax: 8 * MiB,
  /** Ended tasks read back from the log at once. */
  archivePageTasks: 512,
  /** Lines of one file of a backup, before they are compressed. */
  backupPartBytes: 4 * MiB,
  /** Files of objects in a backup whose digests come behind them together. */
  backupDigestsTogether: 512,
  /** Numbers of files of objects that are looked up at once while a backup is taken. */
  heldFilesAtOnce: 1024,
  /** A store made of a backup goes on with numbers so far above the backup's: the old one has given some since. */
  restoredObjectNumbers: 2 ** 40,
  /** Free disk below which a doctor warns; and findings of one sort that it tells. */
  doctorFreeBytesMin: 1 * GiB,
  doctorFindingsMax: 20,
  /** A cloud restored from a backup takes an epoch so much above the backup's: the old one may have started again since. */
  restoredEpochs: 10_000,
  /** Tasks of an NDJSON body that go into one commit. */
  appendBatchTasksMax: 4096,
  /** An answer waits this long at most for what it tells to be on disk. */
  settleMsMax: 5_000,
  /** One call may wait this long for what it asks for. */
  waitMsMax: 30_000,
  /** What a call with an idempotency key answered is known for so long, and for so many calls of a project. */
  requestKeptMs: 24 * 60 * 60_000,
  requestsKeptMax: 100_000,
  /** A call whose rules on data change between its reading and its commit begins anew, so often. */
  overtakenMax: 20,
  /** Ids that are tried for what is new until one is free. */
  idTriesMax: 100,
  /** Lines of logs in memory that wait to be written; and all logs on disk: the oldest go first. */
  logBufferBytesMax: 32 * MiB,
  logsBytesMax: 8 * GiB,
  /** Lines of logs are written at least this often. */
  logFlushMs: 50,
  /** A page of a log. */
  logPageLines: 1000,
  /** A blob up to this size is hashed in memory before it is written. */
  blobInMemoryBytesMax: 1 * MiB,
  /** Segments that one machine is asked for at once by relay, and how long one may take. */
  relaysMax: 16,
  relayMs: 30_000,
  /** An HTTP request's headers. */
  headerBytesMax: 64 * KiB,
  /** What a runner itself takes; comes on top of what its tasks asked for. */
  runnerMemoryBytes: 96 * MiB,
  /** A user's module must have loaded within this. */
  moduleLoadMs: 30_000,
  /** A runner is given tasks ahead for about this long, and at most so many. */
  runnerAheadMs: 10,
  runnerAheadTasksMax: 512,
  /** A runner busy with one task for this long gives back what it was given ahead. */
  runnerStuckMs: 50,
  /** Tasks done, but untold as the next one lets the runner say nothing for this long, are run again elsewhere. */
  runnerSilentMs: 1_000,
  /** A task that ran for this long when its runner died surely did it; before that it gets a runner to itself first. */
  crashSureMs: 5_000,
  /** Runners that wait for work, and runners of one kind at once. */
  runnersIdleMax: 16,
  runnersPerModuleMax: 64,
  /** What is asked to end is made to end after this. */
  killGraceMs: 2_000,
  cancelGraceMs: 500,
  /** How often memory and CPU of what runs are looked at. */
  usageEveryMs: 200,
  /** Processes that one task may have at once. */
  taskProcessesMax: 4096,
  /** Output kept of a program that failed, to say why. */
  failureTailBytesMax: 2 * KiB,
  /** A stack or a message of user code. */
  stackBytesMax: 8 * KiB,
  messageBytesMax: 1 * KiB,
  /** One line between an agent and its runner. */
  channelLineBytesMax: 64 * MiB,
  /** A runner that holds more than this of a shuffle hands it over. */
  shuffleChunkBytes: 1 * MiB,
  /** Shuffled bytes that a reduce task groups in memory; more is first split on disk. */
  reduceBytesMax: 128 * MiB,
  /** Bytes of one segment that one message of a relay carries. */
  relayPartBytes: 8 * MiB,
  /** A machine that could not be reached by another is asked by relay for so long. */
  peerAvoidedMs: 60_000,
  peerConnectMs: 3_000,
  /** Tasks an agent holds at once, begun or not, and reports not yet acknowledged. */
  heldTasksMax: 4096,
  /**
   * Ended work that its cloud has not acknowledged for this long is written to the agent's disk, looked
   * at so often. What there can be of it is bounded by heldTasksMax: an agent without a link pulls nothing.
   */
  outboxAfterMs: 1_000,
  outboxLookMs: 250,
  /** An outbox is written anew when so much of it, and more than half, is acknowledged. */
  outboxWasteBytesMin: 1 * MiB,
  /** Blobs that wait on an agent's disk for its cloud: above this, tasks wait with their output. */
  owedBytesMax: 32 * GiB,
  owedLookMs: 1_000,
  /** Results that one report may carry, by their bytes. */
  finishBytesMax: 16 * MiB,
  /** Lines of logs in one message. */
  logMessageBytesMax: 1 * MiB,
  /** A call of an agent to its cloud is tried again so often, waiting longer each time. */
  agentCallTries: 6,
  /** Lines of logs an agent keeps while it has no link; and what may wait on one. */
  linkLogBytesMax: 4 * MiB,
  /** Blobs kept on a machine for its tasks, and how long one stays at least. */
  blobCacheBytesMax: 10 * GiB,
  blobCacheKeptMs: 5 * 60_000,
  /** Folders that are remembered to be on disk, so that they are not synced again. */
  syncedFoldersMax: 10_000,
  /** One message between a cloud and an agent. */
  linkMessageBytesMax: 64 * MiB,
  /** Free disk below which nothing more is acknowledged. */
  diskFreeBytesMin: 16 * MiB,
  diskCheckMs: 1000,
  /** Hits of one game day; tasks of a hit that are looked after one by one; game days kept in memory. */
  gameDayHitsMax: 1000,
  hitVictimsMax: 256,
  gameDaysKeptMax: 50,
  /** How often a game day that is on, and a schedule, are looked at. */
  gameDayLookMs: 200,
  gameDayScheduleLookMs: 5_000,
  /** A running game day says so often that the control plane lives. */
  gameDaySeenMs: 5_000,
  /** A hit that nothing has noticed by then has missed. */
  hitMissedMs: 20_000,
  /** The longest game day, the longest that a machine stays away, and the longest patience with healing. */
  gameDayMsMax: 24 * 60 * 60_000,
  machineAwayMsMax: 10 * 60_000,
  healMsMax: 60 * 60_000,
  /** Every site is asked this often what it offers, and answers within this. */
  siteLookMs: 30_000,
  siteAnswerMs: 20_000,
  /** A host answers ssh within this, one more program is copied to it within that; so many are asked at once. */
  sshAnswerMs: 15_000,
  sshCopyMs: 10 * 60_000,
  sshAtOnceMax: 16,
  /** A host that was woken answers within this; it is looked, and called, again after that. */
  sshWakeMs: 5 * 60_000,
  sshWakeLookMs: 2_000,
  /** A provider that throttles us and names no time is asked again after this. */
  providerWaitMs: 5_000,
  /** An agent that was told to end has so long for it. */
  agentEndMs: 10_000,
  /** Records read of a state that goes on changing before the event loop has its turn. */
  momentSliceRecords: 2048,
  /** Entries of large data that are copied to another thread in one turn. */
  parcelItems: 512,
  /** Forks of a forecast, and how long it may take; one that has begun within that may end within twice that. */
  forecastForks: 39,
  forecastForksMax: 1000,
  forecastMs: 4_000,
  forecastsWaitingMax: 8,
  forecastThreadIdleMs: 60_000,
  replayMsMax: 30_000,
  replayPoliciesMax: 20,
  /** How far a forecast looks ahead. */
  forecastHorizonMs: 400 * 24 * 60 * 60_000,
  /** How long `canopy up` waits for its first machine, and for a control plane that leads when it does not itself. */
  firstMachineMs: 20_000,
  firstLeaderMs: 20_000,
  /** Signing keys of a day, a region and a service that are kept; sessions whose tokens are. */
  signingKeysMax: 10_000,
  sessionsKnownMax: 10_000,
  /** Materials of keys of the key service that are kept open in memory. */
  kmsMaterialsOpenMax: 10_000,
  ...autonomicLimits,
  ...awsLimits,
  ...containerLimits,
  ...bucketLimits,
  ...transferLimits,
  ...objectLimits,
  ...sandboxLimits,
  ...vmLimits,
  ...instanceLimits,
  ...functionLimits,
  ...networkLimits,
} as const;
