const MiB = 1024 * 1024;

/** Every bound of buckets; part of `limits`. */
export const bucketLimits = {
  /** Buckets of one project, and what S3 lets a bucket have of each. */
  bucketsMax: 10_000,
  bucketTagsMax: 50,
  bucketGrantsMax: 100,
  corsRulesMax: 100,
  inventoriesMax: 1000,
  lifecycleRulesMax: 1000,
  notificationRulesMax: 100,
  ruleIdCharactersMax: 255,
  websiteRulesMax: 50,
  retentionDaysMax: 36_500,
  retentionYearsMax: 100,
  /** What is to be told and was not yet, in all and of one project: above this, changes of buckets that would be told are refused for a while. */
  noticesMax: 200_000,
  noticesOfProjectMax: 50_000,
  /** Places that are told at once, in all and of one project, and messages to each kind. */
  noticePlacesMax: 64,
  noticePlacesOfProjectMax: 16,
  noticesToWebhookMax: 8,
  noticesToQueueMax: 256,
  /** Of a place's messages, so many are looked at in one turn. */
  noticesLookedMax: 1024,
  noticesLookMs: 1_000,
  /** A message that could not be told waits between these, doubling, and is given up after so many tries: three days. */
  noticeRetryMsMin: 1_000,
  noticeRetryMsMax: 2 * 60 * 60_000,
  noticeTriesMax: 48,
  /** The rules of buckets are looked at this often, and those of which something failed after this; one turn lists so many pages. */
  lifecycleLookMs: 60_000,
  lifecycleAgainMs: 15 * 60_000,
  lifecyclePagesPerTurn: 16,
  /** Lines of access logs are put this often, and when a bucket has so many; all that wait have so much room. */
  accessLogMs: 60_000,
  accessLogFileBytes: 1 * MiB,
  accessLogBytesMax: 64 * MiB,
  /** Inventories that are due are looked for this often, and tried again after this; one file of a report has so many rows. */
  inventoryLookMs: 60_000,
  inventoryAgainMs: 15 * 60_000,
  inventoryRowsMax: 1_000_000,
  /** A webhook answers within this, and with no more than that is read. */
  webhookAnswerMs: 15_000,
  webhookAnswerBytesMax: 65_536,
  webhooksMax: 1000,
} as const;
