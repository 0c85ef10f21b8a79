import type { DeleteAliasCommandInput, DeleteAliasCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { checkAliasName } from "./aliases.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

/** One that is not there is gone already. */
export const deleteAlias: AwsOperation<DeleteAliasCommandInput, DeleteAliasCommandOutput> = {
  asks: (input, context) => askOfFunction("DeleteAlias", input, context),
  run(input, context) {
    const { functions } = context.parts;
    const found = wholeFunctionIn(input, context);
    const alias = functions.alias(found, checkAliasName(input.Name));
    if (alias) functions.removeAlias(found, alias);
    return {};
  },
};
