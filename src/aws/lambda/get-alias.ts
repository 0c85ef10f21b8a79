import type { GetAliasCommandInput, GetAliasCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { aliasIn, aliasView } from "./aliases.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

export const getAlias: AwsOperation<GetAliasCommandInput, GetAliasCommandOutput> = {
  asks: (input, context) => askOfFunction("GetAlias", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    return aliasView(found, aliasIn(input.Name, found, context), context);
  },
};
