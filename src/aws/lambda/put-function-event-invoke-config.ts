import type {
  PutFunctionEventInvokeConfigCommandInput,
  PutFunctionEventInvokeConfigCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { eventConfigIn, eventConfigView, keepEventConfig } from "./event-configs.ts";
import { askOfFunction } from "./function-in.ts";

/** What is not named is as for any function. */
export const putFunctionEventInvokeConfig: AwsOperation<
  PutFunctionEventInvokeConfigCommandInput,
  PutFunctionEventInvokeConfigCommandOutput
> = {
  asks: (input, context) => askOfFunction("PutFunctionEventInvokeConfig", input, context),
  run(input, context) {
    const known = eventConfigIn(input, context);
    return eventConfigView(known.place, keepEventConfig(known, input, undefined, context));
  },
};
