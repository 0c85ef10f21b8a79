import type { FunctionEventInvokeConfig } from "@aws-sdk/client-lambda";
import { placeOf as destinationOf } from "#/buckets/places.ts";
import { limits } from "#/base/limits.ts";
import type { FunctionEventConfig } from "#/model/function-event.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { AwsContext } from "../call.ts";
import { invalidParameter, notFound, requireBetween } from "./errors.ts";
import { functionIn, latest, qualifiedIn } from "./function-in.ts";
import { qualifiedArn, type FunctionPlace } from "./names.ts";

interface Asked {
  FunctionName: string | undefined;
  Qualifier?: string | undefined;
}

interface SettingsAsked {
  MaximumRetryAttempts?: number | undefined;
  MaximumEventAgeInSeconds?: number | undefined;
  DestinationConfig?:
    | {
        OnSuccess?: { Destination?: string | undefined } | undefined;
        OnFailure?: { Destination?: string | undefined } | undefined;
      }
    | undefined;
}

/** How events of a function are dealt with: of which function, and under which qualifier that is kept. */
export interface EventConfigPlace {
  place: FunctionPlace;
  found: FunctionRecord;
  key: string;
  config: FunctionEventConfig | undefined;
}

/** Throws "ResourceNotFoundException" where there is no such function, version or alias. */
export function eventConfigIn(asked: Asked, context: AwsContext): EventConfigPlace {
  const { place, found } = functionIn(asked, context);
  qualifiedIn(place, found, context);
  const key = place.qualifier === undefined || place.qualifier === latest ? "" : place.qualifier;
  const { events = {} } = found.spec;
  return { place, found, key, config: Object.hasOwn(events, key) ? events[key] : undefined };
}

/** The same of one that must be there. */
export function knownEventConfigIn(
  asked: Asked,
  context: AwsContext,
): EventConfigPlace & { config: FunctionEventConfig } {
  const known = eventConfigIn(asked, context);
  const { config, place } = known;
  if (config) return { ...known, config };
  throw notFound(`The function ${qualifiedArn(place)} doesn't have an EventInvokeConfig`);
}

/** Keeps what is asked for, over what is there when that is given. Throws "InvalidParameterValueException". */
export function keepEventConfig(
  { found, key }: EventConfigPlace,
  asked: SettingsAsked,
  before: FunctionEventConfig | undefined,
  { parts }: AwsContext,
): FunctionEventConfig {
  const { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: ageSecondsMax } = asked;
  requireBetween("maximumRetryAttempts", retries, 0, limits.functionEventRetries);
  requireBetween("maximumEventAgeInSeconds", ageSecondsMax, 60, limits.functionEventAgeSecondsMax);
  const { OnSuccess, OnFailure } = asked.DestinationConfig ?? {};
  const told = {
    ...(OnSuccess?.Destination && { onSuccess: OnSuccess.Destination }),
    ...(OnFailure?.Destination && { onFailure: OnFailure.Destination }),
  };
  for (const arn of Object.values(told))
    if (!destinationOf(parts.places, arn)?.isThere(arn, found.project))
      throw invalidParameter(
        `The destination ARN ${arn} is invalid: there is nothing of that name.`,
      );
  const { onSuccess: _, onFailure: __, ...kept } = before ?? {};
  const config: FunctionEventConfig = {
    ...(asked.DestinationConfig ? kept : before),
    ...told,
    ...(retries !== undefined && { retries }),
    ...(ageSecondsMax !== undefined && { ageSecondsMax }),
    changedAt: parts.clock.now(),
  };
  parts.functions.changeShared(found, ({ events }) => ({ events: { ...events, [key]: config } }));
  return config;
}

export function eventConfigView(
  place: Pick<FunctionPlace, "arn" | "qualifier">,
  { retries, ageSecondsMax, onSuccess, onFailure, changedAt }: FunctionEventConfig,
): FunctionEventInvokeConfig {
  return {
    FunctionArn: qualifiedArn({ arn: place.arn, qualifier: place.qualifier ?? latest }),
    LastModified: new Date(changedAt),
    ...(retries !== undefined && { MaximumRetryAttempts: retries }),
    ...(ageSecondsMax !== undefined && { MaximumEventAgeInSeconds: ageSecondsMax }),
    DestinationConfig: {
      OnSuccess: onSuccess === undefined ? {} : { Destination: onSuccess },
      OnFailure: onFailure === undefined ? {} : { Destination: onFailure },
    },
  };
}
