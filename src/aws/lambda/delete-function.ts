import type {
  DeleteFunctionCommandInput,
  DeleteFunctionCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { invalidParameter } from "./errors.ts";
import { askOfFunction, functionIn, latest, noFunction } from "./function-in.ts";

/** A function with all of its versions and aliases; or one version of it. */
export const deleteFunction: AwsOperation<DeleteFunctionCommandInput, DeleteFunctionCommandOutput> =
  {
    asks: (input, context) => askOfFunction("DeleteFunction", input, context),
    run(input, context) {
      const { functions } = context.parts;
      const { place, found } = functionIn(input, context);
      const { qualifier } = place;
      if (qualifier === undefined) functions.remove(found);
      else {
        if (qualifier === latest)
          throw invalidParameter(
            "$LATEST version cannot be deleted without deleting the function.",
          );
        if (functions.alias(found, qualifier))
          throw invalidParameter(
            `'${qualifier}' is an alias: DeleteFunction deletes versions, DeleteAlias deletes aliases.`,
          );
        const version = functions.version(found, qualifier);
        if (!version) throw noFunction(place);
        functions.removeVersion(found, version);
      }
      return { StatusCode: 204 };
    },
  };
