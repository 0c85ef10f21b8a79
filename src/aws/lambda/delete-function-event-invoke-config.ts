import type {
  DeleteFunctionEventInvokeConfigCommandInput,
  DeleteFunctionEventInvokeConfigCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { knownEventConfigIn } from "./event-configs.ts";
import { askOfFunction } from "./function-in.ts";

/** From now on its events are dealt with as those of any function. */
export const deleteFunctionEventInvokeConfig: AwsOperation<
  DeleteFunctionEventInvokeConfigCommandInput,
  DeleteFunctionEventInvokeConfigCommandOutput
> = {
  asks: (input, context) => askOfFunction("DeleteFunctionEventInvokeConfig", input, context),
  run(input, context) {
    const { found, key } = knownEventConfigIn(input, context);
    context.parts.functions.changeShared(found, ({ events = {} }) => {
      const { [key]: _, ...left } = events;
      return { events: left };
    });
    return {};
  },
};
