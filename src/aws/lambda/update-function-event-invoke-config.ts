import type {
  UpdateFunctionEventInvokeConfigCommandInput,
  UpdateFunctionEventInvokeConfigCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { eventConfigView, keepEventConfig, knownEventConfigIn } from "./event-configs.ts";
import { askOfFunction } from "./function-in.ts";

/** What is not named stays as it is. */
export const updateFunctionEventInvokeConfig: AwsOperation<
  UpdateFunctionEventInvokeConfigCommandInput,
  UpdateFunctionEventInvokeConfigCommandOutput
> = {
  asks: (input, context) => askOfFunction("UpdateFunctionEventInvokeConfig", input, context),
  run(input, context) {
    const known = knownEventConfigIn(input, context);
    return eventConfigView(known.place, keepEventConfig(known, input, known.config, context));
  },
};
