import type { CreateAliasCommandInput, CreateAliasCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { aliasView, checkAliasName, requireVersion, weightsOf } from "./aliases.ts";
import { requireLength } from "./errors.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

export const createAlias: AwsOperation<CreateAliasCommandInput, CreateAliasCommandOutput> = {
  asks: (input, context) => askOfFunction("CreateAlias", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    const { FunctionVersion: version = "", Description: description = "", RoutingConfig } = input;
    const title = checkAliasName(input.Name);
    requireLength("description", description, 256);
    requireVersion(version, found, context);
    const weights = weightsOf(RoutingConfig, version, found, context);
    const made = context.parts.functions.createAlias(found, {
      title,
      description,
      version,
      ...(weights && { weights }),
    });
    return aliasView(found, made, context);
  },
};
