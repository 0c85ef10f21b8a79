import type { UpdateAliasCommandInput, UpdateAliasCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { aliasIn, aliasView, requireVersion, weightsOf } from "./aliases.ts";
import { requireLength } from "./errors.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

/** What is not named stays; weights too, which must fit the version that the alias then has. */
export const updateAlias: AwsOperation<UpdateAliasCommandInput, UpdateAliasCommandOutput> = {
  asks: (input, context) => askOfFunction("UpdateAlias", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    const alias = aliasIn(input.Name, found, context);
    const { spec } = alias;
    const { FunctionVersion: version = spec.version, Description: description } = input;
    requireLength("description", description, 256);
    requireVersion(version, found, context);
    const kept = spec.weights && { AdditionalVersionWeights: { ...spec.weights } };
    const weights = weightsOf(input.RoutingConfig ?? kept, version, found, context);
    const changed = context.parts.functions.changeAlias(
      alias,
      { version, weights, description: description ?? spec.description },
      input.RevisionId,
    );
    return aliasView(found, changed, context);
  },
};
