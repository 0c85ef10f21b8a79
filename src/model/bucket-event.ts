import { canonicalUserIdOf } from "./account.ts";
import type { BucketRecord } from "./bucket.ts";

/** One thing that happened to an object, as others are told of it. */
export interface BucketEvent {
  /** "ObjectCreated:Put". */
  name: string;
  at: number;
  key: string;
  /** Absent of what is gone. */
  sizeBytes?: number;
  etag?: string;
  /** Absent where the bucket has no versions. */
  versionId?: string;
  /** Who did it, as "aws:userid" tells it; "s3.amazonaws.com" for the bucket's own rules. */
  principalId: string;
  sourceIp: string;
  requestId: string;
}

/** Lifecycle, tags and ACLs came with this version of the records; https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
const later =
  /^(?:LifecycleExpiration|LifecycleTransition|ObjectTagging|ObjectAcl|ObjectRestore:Delete)/;

/** The message that S3 sends. Of two events of one key the later has the greater `sequencer`, as text of one length. */
export function messageOfEvent(
  bucket: BucketRecord,
  event: BucketEvent,
  configurationId: string,
  sequencer: string,
): string {
  const { accountId, region } = bucket.spec;
  const record = {
    eventVersion: later.test(event.name) ? "2.3" : "2.1",
    eventSource: "aws:s3",
    awsRegion: region,
    eventTime: new Date(event.at).toISOString(),
    eventName: event.name,
    userIdentity: { principalId: event.principalId },
    requestParameters: { sourceIPAddress: event.sourceIp },
    responseElements: {
      "x-amz-request-id": event.requestId,
      "x-amz-id-2": hostIdOf(event.requestId),
    },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: canonicalUserIdOf(accountId) },
        arn: `arn:aws:s3:::${bucket.name}`,
      },
      object: {
        key: formEncoded(event.key),
        ...(event.sizeBytes !== undefined && { size: event.sizeBytes }),
        ...(event.etag !== undefined && { eTag: event.etag }),
        ...(event.versionId !== undefined && { versionId: event.versionId }),
        sequencer,
      },
    },
  };
  return JSON.stringify({ Records: [record] });
}

/** What S3 sends to a place that is to be told of events, to see whether it is there. */
export function testMessage(
  bucket: string,
  { at, requestId }: { at: number; requestId: string },
): string {
  return JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(at).toISOString(),
    Bucket: bucket,
    RequestId: requestId,
    HostId: hostIdOf(requestId),
  });
}

/** A second name of a request, which some clients ask for; it says nothing more. */
const hostIdOf = (requestId: string) => Buffer.from(`canopy/${requestId}`).toString("base64");

/** As forms write it, but for slashes: a space is a plus. */
const formEncoded = (key: string) =>
  new URLSearchParams([["", key.toWellFormed()]]).toString().slice(1).replaceAll("%2F", "/");
