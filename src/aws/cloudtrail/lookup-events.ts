import type {
  Event,
  LookupAttribute,
  LookupEventsCommandInput,
  LookupEventsCommandOutput,
} from "@aws-sdk/client-cloudtrail";
import { CanopyError } from "#/base/errors.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { TrailEntry } from "#/model/trail.ts";
import type { TrailQuery } from "#/trail/trail.ts";
import type { AwsOperation } from "../call.ts";

const resultsMax = 50;

/** Management events of the caller's account, the newest first. */
export const lookupEvents: AwsOperation<LookupEventsCommandInput, LookupEventsCommandOutput> = {
  asks: () => ({ action: "cloudtrail:LookupEvents", resource: "*" }),
  async run(input, { parts, caller }) {
    const { LookupAttributes = [], StartTime, EndTime, MaxResults = resultsMax } = input;
    const { EventCategory, NextToken } = input;
    if (!parts.trail)
      throw new CanopyError("unavailable", "Cannot look into a trail as none is kept");
    if (!Number.isInteger(MaxResults) || MaxResults < 1 || MaxResults > resultsMax)
      throw new AwsError(
        "InvalidMaxResultsException",
        400,
        `MaxResults must be 1 to ${resultsMax}: current value is ${MaxResults}`,
      );
    if (EventCategory !== undefined && EventCategory !== "insight")
      throw new AwsError(
        "InvalidEventCategoryException",
        400,
        `Events of category ${String(EventCategory).slice(0, 100)} cannot be looked up.`,
      );
    if (LookupAttributes.length > 1)
      throw new AwsError(
        "InvalidLookupAttributesException",
        400,
        "You can only look up one attribute.",
      );
    if (StartTime && EndTime && StartTime > EndTime)
      throw new AwsError("InvalidTimeRangeException", 400, "The start time is after the end time.");
    // There is nobody here who looks for unusual activity.
    if (EventCategory === "insight") return { Events: [] };
    const page = await parts.trail
      .find({
        kind: "management",
        project: caller.project,
        fromMs: StartTime?.getTime(),
        untilMs: EndTime?.getTime(),
        max: MaxResults,
        after: NextToken,
        ...wantedBy(LookupAttributes[0]),
      })
      .catch((thrown: unknown) => {
        if (thrown instanceof CanopyError && thrown.code === "invalid")
          throw new AwsError("InvalidNextTokenException", 400, "The token is invalid.");
        throw thrown;
      });
    return {
      Events: page.items.map((entry) => eventOf(entry, caller.accountId)),
      ...(page.next !== undefined && { NextToken: page.next }),
    };
  },
};

function wantedBy(attribute: LookupAttribute | undefined): Partial<TrailQuery> {
  if (!attribute) return {};
  const { AttributeKey: key, AttributeValue: value = "" } = attribute;
  switch (key) {
    case "EventId":
      return { id: value };
    case "EventName":
      return { operation: value };
    case "EventSource":
      return { service: value.replace(/\.amazonaws\.com$/, "") };
    case "AccessKeyId":
      return { accessKeyId: value };
    case "ReadOnly":
      return { isRead: value === "true" };
    case "ResourceName":
      return { resource: value };
    case "Username":
      return { who: value };
    default:
      throw new AwsError(
        "InvalidLookupAttributesException",
        400,
        `Events cannot be looked up by ${String(key).slice(0, 100)}.`,
      );
  }
}

function eventOf(entry: TrailEntry, accountId: string): Event {
  const { id, at, service, operation, who, resource, isRead, accessKeyId } = entry;
  const name = who.slice(who.lastIndexOf("/") + 1);
  const source = service === "canopy" ? "canopy" : `${service}.amazonaws.com`;
  return {
    EventId: id,
    EventName: operation,
    EventTime: new Date(at),
    EventSource: source,
    Username: name,
    ReadOnly: String(isRead),
    ...(accessKeyId !== undefined && { AccessKeyId: accessKeyId }),
    Resources: resource === undefined ? [] : [{ ResourceName: resource }],
    CloudTrailEvent: JSON.stringify(recordOf(entry, { accountId, source })),
  };
}

/** As CloudTrail writes it: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html */
function recordOf(entry: TrailEntry, more: { accountId: string; source: string }): object {
  const { id, at, operation, who, from, agent, resource, isRead, error, accessKeyId } = entry;
  const { sourceIdentity } = entry;
  return {
    eventVersion: "1.11",
    userIdentity: {
      type: typeOf(who),
      arn: who,
      accountId: more.accountId,
      ...(accessKeyId !== undefined && { accessKeyId }),
      ...(sourceIdentity !== undefined && { sessionContext: { sourceIdentity } }),
    },
    eventTime: `${new Date(at).toISOString().slice(0, 19)}Z`,
    eventSource: more.source,
    eventName: operation,
    sourceIPAddress: from,
    userAgent: agent ?? null,
    ...(error !== undefined && { errorCode: error }),
    requestID: id,
    eventID: id,
    readOnly: isRead,
    resources: resource === undefined ? [] : [{ ARN: resource, accountId: more.accountId }],
    eventType: "AwsApiCall",
    managementEvent: true,
    recipientAccountId: more.accountId,
    eventCategory: "Management",
  };
}

function typeOf(who: string): string {
  if (who.endsWith(":root")) return "Root";
  if (who.includes(":assumed-role/")) return "AssumedRole";
  return who.includes(":user/") ? "IAMUser" : "Unknown";
}
