import type {
  GetFunctionConcurrencyCommandInput,
  GetFunctionConcurrencyCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

export const getFunctionConcurrency: AwsOperation<
  GetFunctionConcurrencyCommandInput,
  GetFunctionConcurrencyCommandOutput
> = {
  asks: (input, context) => askOfFunction("GetFunctionConcurrency", input, context),
  run(input, context) {
    const { reservedConcurrency } = wholeFunctionIn(input, context).spec;
    return reservedConcurrency === undefined
      ? {}
      : { ReservedConcurrentExecutions: reservedConcurrency };
  },
};
