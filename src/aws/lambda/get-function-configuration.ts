import type {
  GetFunctionConfigurationCommandInput,
  GetFunctionConfigurationCommandOutput,
} from "@aws-sdk/client-lambda";
import type { Answer, AwsOperation } from "../call.ts";
import { askOfFunction, functionIn, qualifiedIn } from "./function-in.ts";
import { configurationView } from "./view.ts";

export const getFunctionConfiguration: AwsOperation<
  GetFunctionConfigurationCommandInput,
  GetFunctionConfigurationCommandOutput
> = {
  asks: (input, context) => askOfFunction("GetFunctionConfiguration", input, context),
  run(input, context): Answer<GetFunctionConfigurationCommandOutput> {
    const { place, found } = functionIn(input, context);
    const qualified = qualifiedIn(place, found, context);
    return configurationView(found, qualified, place.qualifier, context);
  },
};
