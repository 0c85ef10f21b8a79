import type {
  GetFunctionEventInvokeConfigCommandInput,
  GetFunctionEventInvokeConfigCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { eventConfigView, knownEventConfigIn } from "./event-configs.ts";
import { askOfFunction } from "./function-in.ts";

/** How events of a function, a version or an alias are dealt with. */
export const getFunctionEventInvokeConfig: AwsOperation<
  GetFunctionEventInvokeConfigCommandInput,
  GetFunctionEventInvokeConfigCommandOutput
> = {
  asks: (input, context) => askOfFunction("GetFunctionEventInvokeConfig", input, context),
  run(input, context) {
    const { place, config } = knownEventConfigIn(input, context);
    return eventConfigView(place, config);
  },
};
