import type { SpotAsked } from "#/instances/spot-requests.ts";
import { AwsError } from "#/model/aws-error.ts";

/** As EC2's calls say it, each in its own place. */
export interface SpotOptions {
  MaxPrice?: string | undefined;
  SpotInstanceType?: string | undefined;
  InstanceInterruptionBehavior?: string | undefined;
  ValidUntil?: Date | undefined;
}

/** Throws "InvalidParameterValue". */
export function spotAsked(
  options: SpotOptions,
  more: { clientToken?: string | undefined; tags: Readonly<Record<string, string>> },
): SpotAsked {
  const { MaxPrice, SpotInstanceType = "one-time", ValidUntil } = options;
  const { InstanceInterruptionBehavior: behaviour = "terminate" } = options;
  const price = MaxPrice === undefined || MaxPrice === "" ? undefined : Number(MaxPrice);
  if (price !== undefined && !(price > 0 && price < 1e6)) throw wrong(MaxPrice ?? "", "spotPrice");
  if (SpotInstanceType !== "one-time" && SpotInstanceType !== "persistent")
    throw wrong(SpotInstanceType, "spotInstanceType");
  if (behaviour !== "terminate" && behaviour !== "stop" && behaviour !== "hibernate")
    throw wrong(behaviour, "instanceInterruptionBehavior");
  return {
    type: SpotInstanceType,
    onInterruption: behaviour,
    maxMicrosPerHour: price === undefined ? undefined : Math.round(price * 1e6),
    // Of a launch template it is text.
    validUntil: ValidUntil && new Date(ValidUntil).getTime(),
    ...more,
  };
}

const wrong = (value: string, parameter: string) =>
  new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${value.slice(0, 100)}) for parameter ${parameter} is invalid.`,
  );

/** As EC2 writes prices. */
export const priceText = (micros: number) => (micros / 1e6).toFixed(6);
