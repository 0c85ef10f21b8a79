import type {
  PutFunctionConcurrencyCommandInput,
  PutFunctionConcurrencyCommandOutput,
} from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import type { AwsOperation } from "../call.ts";
import { invalidMember, invalidParameter } from "./errors.ts";
import { askOfFunction, wholeFunctionIn } from "./function-in.ts";

export const putFunctionConcurrency: AwsOperation<
  PutFunctionConcurrencyCommandInput,
  PutFunctionConcurrencyCommandOutput
> = {
  asks: (input, context) => askOfFunction("PutFunctionConcurrency", input, context),
  run(input, context) {
    const { functions } = context.parts;
    const found = wholeFunctionIn(input, context);
    const { ReservedConcurrentExecutions: asked = -1 } = input;
    if (!Number.isInteger(asked) || asked < 0)
      throw invalidMember(
        "reservedConcurrentExecutions",
        asked,
        "Member must have value greater than or equal to 0",
      );
    const others = functions.reserved(found.project) - (found.spec.reservedConcurrency ?? 0);
    if (limits.functionConcurrencyMax - others - asked < limits.functionUnreservedMin)
      throw invalidParameter(
        `Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [${limits.functionUnreservedMin}].`,
      );
    functions.changeShared(found, () => ({ reservedConcurrency: asked }));
    return { ReservedConcurrentExecutions: asked };
  },
};
