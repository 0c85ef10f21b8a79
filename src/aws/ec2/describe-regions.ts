import type {
  DescribeRegionsCommandInput,
  DescribeRegionsCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { filtered } from "./filters.ts";

/** A cloud is one region, and reached where this was asked. */
export const describeRegions: AwsOperation<
  DescribeRegionsCommandInput,
  DescribeRegionsCommandOutput
> = {
  asks: () => ({ action: "ec2:DescribeRegions", resource: "*" }),
  run({ RegionNames = [], Filters }, { parts, request }) {
    const wrong = RegionNames.find((name) => name !== parts.region);
    if (wrong !== undefined)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Invalid region provided: ${wrong.slice(0, 100)}`,
      );
    const region = {
      RegionName: parts.region,
      Endpoint: request.headers.host ?? "localhost",
      OptInStatus: "opt-in-not-required",
    };
    const facts = {
      "region-name": () => region.RegionName,
      endpoint: () => region.Endpoint,
      "opt-in-status": () => region.OptInStatus,
    };
    return { Regions: filtered([region], facts, Filters) };
  },
};
