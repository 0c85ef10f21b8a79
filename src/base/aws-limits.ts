const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Every bound of the AWS door; part of `limits`. */
export const awsLimits = {
  /** One body that is a document: XML, JSON, a form. */
  awsDocumentBytesMax: 4 * MiB,
  /** How deep its elements may stand in each other, and how many there may be. */
  xmlDepthMax: 32,
  xmlElementsMax: 100_000,
  jsonDepthMax: 64,
  /** Parameters of a query or a form, and the parts that a name may have. */
  queryParametersMax: 20_000,
  queryDepthMax: 24,
  /** A key of an object, in UTF-8. */
  objectKeyBytesMax: 1024,
  /** What one PUT, one part or one copy may bring; parts of an upload. */
  objectPutBytesMax: 5 * GiB,
  uploadPartsMax: 10_000,
  /** A body up to this size is taken in one piece. */
  objectInlineBytesMax: 1 * MiB,
  /** User metadata of an object, names and values; its tags. */
  objectMetadataBytesMax: 2 * KiB,
  objectTagsMax: 10,
  /** Entries of one page of a list, keys of one DeleteObjects; those that are deleted at a time. */
  listedMax: 1000,
  deletedAtOnce: 100,
  /** A bucket's objects are encrypted with one key for this long; keys that are kept open. */
  bucketKeyMs: 24 * 3_600_000,
  bucketKeysMax: 10_000,
  /** Fields of a POST form before its file; what may follow it. */
  formFieldsBytesMax: 64 * KiB,
  /** A body that is awaited is looked at this often; one that brought less since is cut off: a drip would hold its connection for ever. */
  bodyLookMs: 15_000,
  bodyBytesMin: 512,
  /** Who was answered and goes on sending is cut off after this. */
  unreadBodyMs: 2_000,
  /** Queues: messages of one, those handed out and not deleted, and the bytes of all messages, as they are in memory. */
  queueMessagesMax: 1_000_000,
  queueInFlightMax: 120_000,
  queueInFlightFifoMax: 20_000,
  queueBytesMax: 512 * MiB,
  queueMessageBytesMax: 1 * MiB,
  /** What one call sends, is given or deletes. */
  queueBatchMax: 10,
  queueAttributesMax: 10,
  /** A message in order that is sent again within this is the same. */
  dedupMs: 5 * 60_000,
  /** Messages whose time is over are looked for this often, and so many are removed at once. */
  queueLookMs: 10_000,
  queueSweepMax: 2048,
  /** A queue is purged once in this time. */
  purgeMs: 60_000,
  /** The name of a queue that was removed is not taken for this long. */
  queueNameRestsMs: 60_000,
  /** Dead letters that are taken back: so many by one commit, looked at so often; so many tasks of a queue are remembered. */
  moveBatchMax: 500,
  moveLookMs: 1_000,
  moveTasksMax: 10,
  /** IAM's simulation: decisions of one call (actions times resources), and the length of the policies that it brings. */
  simulatedMax: 10_000,
  simulatedPolicyCharactersMax: 131_072,
  /** The trail: of each kind so many bytes and days are kept, in files of so many. */
  trailBytesMax: 512 * MiB,
  trailDaysMax: 90,
  trailFileBytes: 16 * MiB,
  /** Entries are written together: after so long when one of them changed something, after that when none did, and when there are so many bytes. */
  trailChangeMs: 50,
  trailReadMs: 1_000,
  trailFrameBytes: 256 * KiB,
  /** What waits to be written while the disk is slow; beyond it entries are lost, and their number is told. */
  trailWaitingBytesMax: 32 * MiB,
  /** Calls of strangers in one second that are noted; a flood must not wash away what others did. */
  trailStrangersMax: 50,
  /** Entries of one page, and bytes that are looked through for it before it ends short. */
  trailPageMax: 1000,
  trailLookedBytesMax: 64 * MiB,
} as const;
