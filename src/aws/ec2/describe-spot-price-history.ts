import type {
  DescribeSpotPriceHistoryCommandInput,
  DescribeSpotPriceHistoryCommandOutput,
} from "@aws-sdk/client-ec2";
import { limits } from "#/base/limits.ts";
import { placeInHistory, spotHistory, type SpotPriceChange } from "#/instances/spot-history.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { page, pageBegins } from "../paging.ts";
import { askOfAll } from "./asks.ts";
import { kindsHosted } from "./describe-instance-types.ts";
import { filtered, type Facts } from "./filters.ts";
import { requirePageSize } from "./listing.ts";
import { priceText } from "./spot-asked.ts";
import { requireZone, zonesOf } from "./zones.ts";

const product = "Linux/UNIX";
const pageMax = 1000;

/** What was kept, the newest first: changes between two times, and what was in force when the first of these began. */
export const describeSpotPriceHistory: AwsOperation<
  DescribeSpotPriceHistoryCommandInput,
  DescribeSpotPriceHistoryCommandOutput
> = {
  asks: () => askOfAll("DescribeSpotPriceHistory"),
  run(
    { ProductDescriptions = [], Filters, MaxResults: max = pageMax, NextToken, ...asked },
    context,
  ) {
    filtered([], facts, Filters); // what is wrong with them is said also where nothing is found
    const after = pageBegins(NextToken);
    requirePageSize(max, 1, pageMax);
    const isOther =
      ProductDescriptions.length > 0 && !ProductDescriptions.some((one) => one.startsWith(product));
    const found: SpotPriceChange[] = [];
    for (const change of isOther ? [] : historyOf(asked, context)) {
      if (after !== undefined && placeInHistory(change) <= after) continue;
      found.push(...filtered([change], facts, Filters));
      if (found.length > max) break;
    }
    const { items, next } = page(found, { nameOf: placeInHistory, token: undefined, max });
    return {
      SpotPriceHistory: items.map(({ type, zone, since, microsPerHour }) => ({
        InstanceType: type as "t3.micro",
        AvailabilityZone: zone,
        ProductDescription: product,
        SpotPrice: priceText(microsPerHour),
        Timestamp: new Date(since),
      })),
      ...(next !== undefined && { NextToken: next }),
    };
  },
};

/** Of types that a machine here can run. */
function historyOf(
  {
    InstanceTypes: names = [],
    AvailabilityZone,
    StartTime,
    EndTime,
  }: DescribeSpotPriceHistoryCommandInput,
  context: AwsContext,
): Iterable<SpotPriceChange> {
  const { space, clock } = context.parts;
  const zones =
    AvailabilityZone === undefined
      ? zonesOf(context).flatMap(({ ZoneName }) => ZoneName ?? [])
      : [requireZone(AvailabilityZone, context)];
  const kinds = kindsHosted(context);
  const types = [...instanceTypes.values()].filter(
    ({ name, kind }) =>
      kinds.has(kind) && (names.length === 0 || names.some((one) => one === name)),
  );
  const now = clock.now();
  const from = Math.max(StartTime?.getTime() ?? 0, now - limits.spotPricesKeptMs);
  const to = Math.min(EndTime?.getTime() ?? now, now);
  return spotHistory(space, { zones, types: types.map(({ name }) => name), from, to });
}

const facts: Facts<SpotPriceChange> = {
  "availability-zone": ({ zone }) => zone,
  "instance-type": ({ type }) => type,
  "product-description": () => product,
  "spot-price": ({ microsPerHour }) => priceText(microsPerHour),
  timestamp: ({ since }) => new Date(since).toISOString(),
};
