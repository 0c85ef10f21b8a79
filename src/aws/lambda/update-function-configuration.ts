import { isDeepStrictEqual } from "node:util";
import type {
  UpdateFunctionConfigurationCommandInput,
  UpdateFunctionConfigurationCommandOutput,
} from "@aws-sdk/client-lambda";
import type { FunctionChange } from "#/functions/functions.ts";
import type { FunctionRecord } from "#/model/function.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { checkConfiguration, runtimeOf } from "./configuration.ts";
import { askOfFunction, latestOf, wholeFunctionIn } from "./function-in.ts";
import { asksToPass, requireAssumable } from "./role.ts";
import { configurationView } from "./view.ts";

/** What is not named stays as it is; of environment variables all are replaced. */
export const updateFunctionConfiguration: AwsOperation<
  UpdateFunctionConfigurationCommandInput,
  UpdateFunctionConfigurationCommandOutput
> = {
  asks: (input, context) => [
    askOfFunction("UpdateFunctionConfiguration", input, context),
    ...asksToPass(input.Role, context),
  ],
  run(input, context) {
    const found = wholeFunctionIn(input, context);
    checkConfiguration(input);
    if (input.Role !== undefined) requireAssumable(input.Role, context);
    const { functions } = context.parts;
    const changed = functions.change(found, changeOf(input, found, context), input.RevisionId);
    return configurationView(changed, latestOf(changed), undefined, context);
  },
};

function changeOf(
  input: UpdateFunctionConfigurationCommandInput,
  found: FunctionRecord,
  context: AwsContext,
): FunctionChange {
  const { Description, Handler, MemorySize, Timeout, EphemeralStorage, Runtime, Role } = input;
  const { Environment } = input;
  return {
    ...(Description !== undefined && { description: Description }),
    ...(Handler !== undefined && { handler: Handler }),
    ...(MemorySize !== undefined && { memoryMb: MemorySize }),
    ...(Timeout !== undefined && { timeoutSeconds: Timeout }),
    ...(EphemeralStorage?.Size !== undefined && { ephemeralMb: EphemeralStorage.Size }),
    ...(Runtime !== undefined && { runtime: runtimeOf(Runtime) }),
    ...(Role !== undefined && { role: Role }),
    ...(Environment && { environment: sealed(Environment.Variables ?? {}, found, context) }),
  };
}

/** Variables that are as they were stay sealed as they were: no two seals are alike, and nothing has changed. */
function sealed(
  variables: Record<string, string>,
  found: FunctionRecord,
  { parts: { functions } }: AwsContext,
): string | undefined {
  const { latest, title } = found.spec;
  if (isDeepStrictEqual(functions.environmentOf(found, latest), variables))
    return latest.environment;
  return functions.sealEnvironment(found.project, title, variables);
}
