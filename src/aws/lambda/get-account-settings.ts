import type {
  GetAccountSettingsCommandInput,
  GetAccountSettingsCommandOutput,
} from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import type { AwsOperation } from "../call.ts";

export const getAccountSettings: AwsOperation<
  GetAccountSettingsCommandInput,
  GetAccountSettingsCommandOutput
> = {
  asks: () => ({ action: "lambda:GetAccountSettings", resource: "*" }),
  run(_input, { parts: { functions }, caller: { project } }) {
    const reserved = functions.reserved(project);
    return {
      AccountLimit: {
        TotalCodeSize: limits.functionCodeBytesMax,
        CodeSizeUnzipped: limits.functionUnpackedBytesMax,
        CodeSizeZipped: limits.functionZipBytesMax,
        ConcurrentExecutions: limits.functionConcurrencyMax,
        UnreservedConcurrentExecutions: limits.functionConcurrencyMax - reserved,
      },
      AccountUsage: {
        TotalCodeSize: functions.codeBytes(project),
        FunctionCount: functions.list(project).length,
      },
    };
  },
};
