import type { GetFunctionCommandInput, GetFunctionCommandOutput } from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { codeUrl } from "./code-url.ts";
import { askOfFunction, functionIn, qualifiedIn } from "./function-in.ts";
import { configurationView } from "./view.ts";

export const getFunction: AwsOperation<GetFunctionCommandInput, GetFunctionCommandOutput> = {
  asks: (input, context) => askOfFunction("GetFunction", input, context),
  run(input, context) {
    const { place, found } = functionIn(input, context);
    const qualified = qualifiedIn(place, found, context);
    const { tags, reservedConcurrency } = found.spec;
    return {
      Configuration: configurationView(found, qualified, place.qualifier, context),
      Code: { RepositoryType: "S3", Location: codeUrl(place, context) },
      ...(tags && Object.keys(tags).length > 0 && { Tags: { ...tags } }),
      ...(reservedConcurrency !== undefined && {
        Concurrency: { ReservedConcurrentExecutions: reservedConcurrency },
      }),
    };
  },
};
