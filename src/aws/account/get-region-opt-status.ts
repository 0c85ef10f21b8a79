import type {
  GetRegionOptStatusCommandInput,
  GetRegionOptStatusCommandOutput,
} from "@aws-sdk/client-account";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOfAccount } from "./own-account.ts";

export const getRegionOptStatus: AwsOperation<
  GetRegionOptStatusCommandInput,
  GetRegionOptStatusCommandOutput
> = {
  asks: ({ AccountId }, context) => askOfAccount("GetRegionOptStatus", AccountId, context),
  run({ RegionName = "" }, { parts }) {
    if (RegionName !== parts.region)
      throw new AwsError(
        "ValidationException",
        400,
        `There is no region '${RegionName.slice(0, 50)}'`,
      );
    return { RegionName, RegionOptStatus: "ENABLED_BY_DEFAULT" };
  },
};
