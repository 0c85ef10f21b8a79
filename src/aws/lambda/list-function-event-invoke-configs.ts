import type {
  ListFunctionEventInvokeConfigsCommandInput,
  ListFunctionEventInvokeConfigsCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AwsOperation } from "../call.ts";
import { eventConfigView } from "./event-configs.ts";
import { listed } from "./listed.ts";
import { askOfFunction, latest, wholeFunctionIn } from "./function-in.ts";

/** Those of the function, its versions and its aliases. */
export const listFunctionEventInvokeConfigs: AwsOperation<
  ListFunctionEventInvokeConfigsCommandInput,
  ListFunctionEventInvokeConfigsCommandOutput
> = {
  asks: (input, context) => askOfFunction("ListFunctionEventInvokeConfigs", input, context),
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    const arn = context.parts.functions.arnOf(found);
    const all = Object.entries(found.spec.events ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    const { items, NextMarker } = listed(all, { ...input, nameOf: ([key]) => key || latest });
    return {
      FunctionEventInvokeConfigs: items.map(([key, config]) =>
        eventConfigView({ arn, qualifier: key || latest }, config),
      ),
      ...(NextMarker !== undefined && { NextMarker }),
    };
  },
};
