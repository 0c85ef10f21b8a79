import type {
  NotificationConfiguration,
  NotificationConfigurationFilter,
  Event as SdkEvent,
} from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import { bucketEvents, overlapOf, type NotificationRule } from "#/model/bucket-notification.ts";
import type { BucketSpec } from "#/model/bucket.ts";
import { invalidArgument, malformedXml } from "./errors.ts";

type Notification = NonNullable<BucketSpec["notification"]>;

interface Asked {
  Id?: string | undefined;
  Events?: readonly string[] | undefined;
  Filter?: NotificationConfigurationFilter | undefined;
}

/** Throws "MalformedXML" and "InvalidArgument", as S3 does; whether the places are there is asked elsewhere. */
export function readNotification(
  asked: NotificationConfiguration | undefined,
  newId: () => string,
): Notification {
  if (!asked) throw malformedXml();
  const { QueueConfigurations = [], TopicConfigurations = [] } = asked;
  const { LambdaFunctionConfigurations = [], EventBridgeConfiguration } = asked;
  const rule = (
    kind: NotificationRule["to"]["kind"],
    arn: string | undefined,
    one: Asked,
  ): NotificationRule => readRule({ kind, arn: arn ?? "" }, one, newId);
  const rules = [
    ...QueueConfigurations.map((one) => rule("queue", one.QueueArn, one)),
    ...TopicConfigurations.map((one) => rule("topic", one.TopicArn, one)),
    ...LambdaFunctionConfigurations.map((one) => rule("function", one.LambdaFunctionArn, one)),
  ];
  if (rules.length > limits.notificationRulesMax)
    throw invalidArgument(
      `A bucket has at most ${limits.notificationRulesMax} notification configurations`,
      "NotificationConfiguration",
    );
  const ids = new Set(rules.map(({ id }) => id));
  if (ids.size < rules.length)
    throw invalidArgument("Same ID used for multiple configurations. IDs must be unique", "Id");
  if (overlapOf(rules))
    throw invalidArgument(
      "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
      "Event",
    );
  return { rules, ...(EventBridgeConfiguration && { eventBridge: true }) };
}

function readRule(
  to: NotificationRule["to"],
  { Id, Events = [], Filter }: Asked,
  newId: () => string,
): NotificationRule {
  if (Events.length === 0) throw malformedXml();
  if (Id !== undefined && Id.length > limits.ruleIdCharactersMax) throw malformedXml();
  for (const event of Events)
    if (!bucketEvents.includes(event))
      throw invalidArgument("The event is not supported for notifications", "Event", event);
  if (!/^arn:(?:aws|canopy):[a-z]+:[a-z0-9-]*:\d{12}:.+$/.test(to.arn))
    throw invalidArgument("The ARN could not be parsed", "Arn", to.arn);
  return { id: Id || newId(), to, events: Events, ...readFilter(Filter) };
}

function readFilter(
  filter: NotificationConfigurationFilter | undefined,
): Pick<NotificationRule, "prefix" | "suffix"> {
  const read: { prefix?: string; suffix?: string } = {};
  for (const { Name, Value = "" } of filter?.Key?.FilterRules ?? []) {
    const name = Name?.toLowerCase();
    if (name !== "prefix" && name !== "suffix")
      throw invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name");
    if (read[name] !== undefined)
      throw invalidArgument(
        `Cannot specify more than one ${name} rule in a filter.`,
        "FilterRule.Name",
      );
    if (Buffer.byteLength(Value) > limits.objectKeyBytesMax)
      throw invalidArgument(
        "Size of filter rule value cannot exceed 1024 bytes",
        "FilterRule.Value",
      );
    read[name] = Value;
  }
  return read;
}

export function writeNotification({ rules, eventBridge }: Notification): NotificationConfiguration {
  const of = (kind: NotificationRule["to"]["kind"]) => {
    const found = rules.filter(({ to }) => to.kind === kind);
    return found.length > 0 ? found : undefined;
  };
  return {
    QueueConfigurations: of("queue")?.map((rule) => ({ QueueArn: rule.to.arn, ...written(rule) })),
    TopicConfigurations: of("topic")?.map((rule) => ({ TopicArn: rule.to.arn, ...written(rule) })),
    LambdaFunctionConfigurations: of("function")?.map((rule) => ({
      LambdaFunctionArn: rule.to.arn,
      ...written(rule),
    })),
    EventBridgeConfiguration: eventBridge ? {} : undefined,
  };
}

function written({ id, events, prefix, suffix }: NotificationRule) {
  const rules = [
    ...(prefix === undefined ? [] : [{ Name: "Prefix", Value: prefix }]),
    ...(suffix === undefined ? [] : [{ Name: "Suffix" as const, Value: suffix }]),
  ];
  return {
    Id: id,
    Events: events as SdkEvent[],
    ...(rules.length > 0 && { Filter: { Key: { FilterRules: rules as never } } }),
  };
}
