import type {
  CreateFunctionCommandInput,
  CreateFunctionCommandOutput,
} from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import type { AwsOperation } from "../call.ts";
import { keptCode } from "./code.ts";
import { architectureOf, checkConfiguration, runtimeOf } from "./configuration.ts";
import { invalidParameter, lambdaError } from "./errors.ts";
import { askOfFunction, latestOf, tagConditions } from "./function-in.ts";
import { placeOf } from "./names.ts";
import { asksToPass, requireAssumable } from "./role.ts";
import { checkTags } from "./tags.ts";
import { configurationView } from "./view.ts";

const defaults = { timeoutSeconds: 3, architecture: "x86_64" } as const;

export const createFunction: AwsOperation<CreateFunctionCommandInput, CreateFunctionCommandOutput> =
  {
    asks(input, context) {
      const { Role, Tags } = input;
      const of = { FunctionName: input.FunctionName };
      const { resourcePolicy: _none, ...ask } = askOfFunction("CreateFunction", of, context);
      const conditions = tagConditions("aws:RequestTag", Tags);
      const tagged = Tags && { ...ask, action: "lambda:TagResource", conditions };
      return [{ ...ask, conditions }, ...(tagged ? [tagged] : []), ...asksToPass(Role, context)];
    },
    async run(input, context) {
      const { parts, caller } = context;
      const { title, accountId } = placeOf(input.FunctionName, undefined, context);
      if (accountId !== caller.accountId)
        throw lambdaError("AccessDeniedException", 403, "A function is made in one's own account.");
      const { Role = "", Handler, Runtime, Tags, Environment, Code = {} } = input;
      checkConfiguration(input);
      if (Runtime === undefined || Handler === undefined)
        throw invalidParameter(
          "Runtime and Handler are mandatory parameters for functions created with deployment packages.",
        );
      const tags = checkTags(Tags);
      requireAssumable(Role, context);
      if (parts.functions.find(caller.project, title))
        throw lambdaError("ResourceConflictException", 409, `Function already exist: ${title}`);
      const code = await keptCode(Code, context);
      const { project } = caller;
      const environment = parts.functions.sealEnvironment(
        project,
        title,
        Environment?.Variables ?? {},
      );
      const made = parts.functions.create(project, {
        title,
        accountId,
        ...(tags && { tags }),
        latest: {
          description: input.Description ?? "",
          runtime: runtimeOf(Runtime),
          handler: Handler,
          role: Role,
          memoryMb: input.MemorySize ?? limits.functionMemoryMbMin,
          timeoutSeconds: input.Timeout ?? defaults.timeoutSeconds,
          ephemeralMb: input.EphemeralStorage?.Size ?? limits.functionEphemeralMbMin,
          architecture: architectureOf(input.Architectures) ?? defaults.architecture,
          ...(environment !== undefined && { environment }),
          code,
        },
      });
      if (!input.Publish) return configurationView(made, latestOf(made), undefined, context);
      const { spec } = parts.functions.publish(made);
      return configurationView(made, spec, spec.version, context);
    },
  };
