import type { ListRegionsCommandInput, ListRegionsCommandOutput } from "@aws-sdk/client-account";
import type { AwsOperation } from "../call.ts";
import { askOfAccount } from "./own-account.ts";

export const listRegions: AwsOperation<ListRegionsCommandInput, ListRegionsCommandOutput> = {
  asks: ({ AccountId }, context) => askOfAccount("ListRegions", AccountId, context),
  run({ RegionOptStatusContains: wanted = [] }, { parts }) {
    const isWanted = wanted.length === 0 || wanted.includes("ENABLED_BY_DEFAULT");
    const region = { RegionName: parts.region, RegionOptStatus: "ENABLED_BY_DEFAULT" as const };
    return { Regions: isWanted ? [region] : [] };
  },
};
