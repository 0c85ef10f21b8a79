import type {
  DeleteFunctionConcurrencyCommandInput,
  DeleteFunctionConcurrencyCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

export const deleteFunctionConcurrency: AwsOperation<
  DeleteFunctionConcurrencyCommandInput,
  DeleteFunctionConcurrencyCommandOutput
> = {
  asks: (input, context) => askOfFunction("DeleteFunctionConcurrency", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    context.parts.functions.changeShared(found, () => ({ reservedConcurrency: undefined }));
    return {};
  },
};
