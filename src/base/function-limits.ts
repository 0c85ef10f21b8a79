const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/** Every bound of functions, most of them Lambda's own; part of `limits`. */
export const functionLimits = {
  /** A zip archive that comes in a request, and the request: it is base64 there. */
  functionZipBytesMax: 50 * MiB,
  functionRequestBytesMax: 70_167_211,
  /** Any other request about functions: what a call is given is in one. */
  functionPayloadBytesMax: 6_291_556,
  /** What a zip archive unpacks to, and how many entries it may have. */
  functionUnpackedBytesMax: 250 * MiB,
  functionZipEntriesMax: 65_535,
  /** Of one entry. */
  functionZipNameBytesMax: 4096,
  /** Where a link in an archive leads to, in bytes. */
  functionZipLinkBytesMax: 4096,
  /** All code of one project: of functions, and of versions that were published. */
  functionCodeBytesMax: 75 * GiB,
  functionNameLengthMax: 64,
  functionMemoryMbMin: 128,
  functionMemoryMbMax: 10_240,
  functionTimeoutSecondsMax: 900,
  functionEphemeralMbMin: 512,
  functionEphemeralMbMax: 10_240,
  /** Names and values of environment variables, as JSON. */
  functionEnvironmentBytesMax: 4 * KiB,
  functionTagsMax: 50,
  /** Statements of a function, a version or an alias, in bytes of JSON. */
  functionPolicyBytesMax: 20 * KiB,
  /** Calls of one project at once, and those of them that no function may reserve. */
  functionConcurrencyMax: 1000,
  functionUnreservedMin: 100,
  /** Entries of one page of a list; where nobody says. */
  functionsListedMax: 10_000,
  functionsListed: 50,
  /** The address of a function's code is good for so long. */
  functionCodeUrlSeconds: 600,
  /** Bytes of an event; events of a function that are in memory, and bytes of them: more wait on disk. */
  functionEventBytesMax: MiB,
  functionEventsHeldMax: 1000,
  functionEventsHeldBytesMax: 4 * MiB,
  /** Read from the disk at once. */
  functionEventsFetched: 64,
  /** Events of a function that it runs on at once. */
  functionEventsAtOnce: 100,
  functionEventsLookMs: 1000,
  /** Beyond the first time, and how long later, twice as long each time. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
  functionEventRetries: 2,
  functionEventRetryMs: 60_000,
  /** What could not be run at all is tried again after so long, doubled each time, until the event is too old. */
  functionEventDelayMs: 1000,
  functionEventDelayMsMax: 5 * 60_000,
  functionEventAgeSecondsMax: 6 * 60 * 60,
  /** Characters of what a destination is told. */
  functionDestinationBytesMax: 256 * 1024,
  /** Characters of what went wrong, and of each line of where. */
  functionErrorLengthMax: 64 * 1024,
  /** For how long code may load; where a call may take longer, so may this. */
  functionInitMs: 10_000,
  /** An environment ends when nothing was asked of it for so long, or at this age: its credentials end. */
  environmentIdleMs: 10 * 60_000,
  environmentAgeMsMax: 2 * 60 * 60_000,
  /** Its credentials outlive it by the longest call. */
  environmentCredentialsMs: 3 * 60 * 60_000,
  /** One that rests for so long holds no processors, only memory. */
  environmentRestMs: 1000,
  environmentLookMs: 1000,
  /** A call that no machine has room for waits so long. */
  functionPlaceMs: 10_000,
  /** Machines that are tried one after the other when environments do not come to be there. */
  environmentStartsMax: 3,
  /** Bytes of its log that a call is answered with, when it asks. */
  functionTailBytes: 4 * 1024,
} as const;
