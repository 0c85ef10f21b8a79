import type {
  DescribeSpotPriceHistoryCommandInput,
  DescribeSpotPriceHistoryCommandOutput,
} from "@aws-sdk/client-ec2";
import { instanceTypes } from "#/model/instance-type.ts";
import type { AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import { kindsHosted } from "./describe-instance-types.ts";
import { listed } from "./listing.ts";
import { priceText } from "./spot-asked.ts";
import { requireZone, zonesOf } from "./zones.ts";

const product = "Linux/UNIX";

/** The price of each type that is offered, in each zone, as it is now: what it was before is not kept. */
export const describeSpotPriceHistory: AwsOperation<
  DescribeSpotPriceHistoryCommandInput,
  DescribeSpotPriceHistoryCommandOutput
> = {
  asks: () => askOfAll("DescribeSpotPriceHistory"),
  run({ InstanceTypes = [], ProductDescriptions = [], EndTime, ...asked }, context) {
    const { spotPrices, clock } = context.parts;
    const now = clock.now();
    const names: string[] = [...InstanceTypes];
    const { AvailabilityZone } = asked;
    const zones =
      AvailabilityZone === undefined
        ? zonesOf(context).flatMap(({ ZoneName }) => ZoneName ?? [])
        : [requireZone(AvailabilityZone, context)];
    const kinds = kindsHosted(context);
    const isOver = EndTime !== undefined && EndTime.getTime() < now;
    const isOther =
      ProductDescriptions.length > 0 && !ProductDescriptions.some((one) => one.startsWith(product));
    const { items, more } = listed(asked, {
      all: () =>
        isOver || isOther
          ? []
          : [...instanceTypes.values()]
              .filter(
                ({ name, kind }) => kinds.has(kind) && (names.length === 0 || names.includes(name)),
              )
              .flatMap((type) =>
                zones.map((zone) => ({
                  serial: 0,
                  type: type.name,
                  zone,
                  price: priceText(spotPrices.spotPriceOf(type, zone)),
                })),
              ),
      find: () => [],
      facts: {
        "availability-zone": ({ zone }) => zone,
        "instance-type": ({ type }) => type,
        "product-description": () => product,
        "spot-price": ({ price }) => price,
        timestamp: () => new Date(now).toISOString(),
      },
      pageMin: 1,
      orderOf: ({ type, zone }) => `${type} ${zone}`,
    });
    return {
      SpotPriceHistory: items.map(({ type, zone, price }) => ({
        InstanceType: type as "t3.micro",
        AvailabilityZone: zone,
        ProductDescription: product,
        SpotPrice: price,
        Timestamp: new Date(now),
      })),
      ...more,
    };
  },
};
