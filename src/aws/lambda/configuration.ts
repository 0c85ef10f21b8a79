import type {
  CreateFunctionCommandInput,
  UpdateFunctionConfigurationCommandInput,
} from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import { functionRuntimes, type FunctionRuntime } from "#/model/function.ts";
import {
  invalidMember,
  invalidParameter,
  requireBetween,
  requireLength,
  requirePattern,
} from "./errors.ts";

export type ConfigurationAsked = Omit<
  UpdateFunctionConfigurationCommandInput & CreateFunctionCommandInput,
  "FunctionName" | "Code" | "Role"
>;

/** Throws Lambda's errors for settings that are out of bounds, or are not there yet. */
export function checkConfiguration(asked: ConfigurationAsked): void {
  requireLength("description", asked.Description, 256);
  requireLength("handler", asked.Handler, 128);
  requirePattern("handler", asked.Handler, /[^\s]+/);
  const memory = [limits.functionMemoryMbMin, limits.functionMemoryMbMax] as const;
  requireBetween("memorySize", asked.MemorySize, ...memory);
  requireBetween("timeout", asked.Timeout, 1, limits.functionTimeoutSecondsMax);
  const ephemeral = [limits.functionEphemeralMbMin, limits.functionEphemeralMbMax] as const;
  requireBetween("ephemeralStorage.size", asked.EphemeralStorage?.Size, ...ephemeral);
  if (asked.Runtime !== undefined) runtimeOf(asked.Runtime);
  if (asked.Environment?.Variables) checkVariables(asked.Environment.Variables);
  requireNothingAbsent(asked);
}

/** Throws "InvalidParameterValueException" for a runtime that is not there. */
export function runtimeOf(asked: string): FunctionRuntime {
  const found = functionRuntimes.find((runtime) => runtime === asked);
  if (found) return found;
  throw invalidParameter(
    `Value ${asked.slice(0, 100)} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${functionRuntimes.join(", ")}] or be a valid ARN`,
  );
}

/** Names that Lambda sets itself. */
const reserved = new Set(
  (
    "_HANDLER _X_AMZN_TRACE_ID AWS_DEFAULT_REGION AWS_REGION AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_NAME " +
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME " +
    "AWS_LAMBDA_LOG_STREAM_NAME AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN " +
    "AWS_LAMBDA_RUNTIME_API LAMBDA_TASK_ROOT LAMBDA_RUNTIME_DIR"
  ).split(" "),
);

function checkVariables(variables: Readonly<Record<string, string>>): void {
  const names = Object.keys(variables);
  const taken = names.filter((name) => reserved.has(name));
  if (taken.length > 0)
    throw invalidParameter(
      `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${taken.join(", ")}`,
    );
  const wrong = names.find((name) => !/^[a-zA-Z]\w+$/.test(name));
  if (wrong !== undefined)
    throw invalidMember(
      "environment.variables",
      wrong,
      "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
    );
  if (Object.values(variables).some((value) => value.includes("\0")))
    throw invalidParameter("The values of environment variables must not contain zero bytes.");
  if (Buffer.byteLength(JSON.stringify(variables)) > limits.functionEnvironmentBytesMax)
    throw invalidParameter(
      "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
    );
}

/** What Lambda has and this cloud has not: refused rather than forgotten. What asks for nothing of it is taken. */
function requireNothingAbsent(asked: ConfigurationAsked): void {
  const { VpcConfig, SnapStart, TracingConfig, LoggingConfig } = asked;
  const isAsked: Record<string, boolean> = {
    "PackageType Image": asked.PackageType === "Image",
    ImageConfig: asked.ImageConfig !== undefined,
    VpcConfig: [VpcConfig?.SubnetIds, VpcConfig?.SecurityGroupIds].some((ids) => ids?.length),
    DeadLetterConfig: Boolean(asked.DeadLetterConfig?.TargetArn),
    KMSKeyArn: Boolean(asked.KMSKeyArn),
    "TracingConfig Active": TracingConfig?.Mode === "Active",
    Layers: (asked.Layers?.length ?? 0) > 0,
    FileSystemConfigs: (asked.FileSystemConfigs?.length ?? 0) > 0,
    CodeSigningConfigArn: asked.CodeSigningConfigArn !== undefined,
    "SnapStart PublishedVersions": SnapStart?.ApplyOn === "PublishedVersions",
    "LoggingConfig JSON": LoggingConfig?.LogFormat === "JSON",
    TenancyConfig: asked.TenancyConfig !== undefined,
    CapacityProviderConfig: asked.CapacityProviderConfig !== undefined,
    PublishTo: asked.PublishTo !== undefined,
    DurableConfig: asked.DurableConfig !== undefined,
  };
  const absent = Object.keys(isAsked).filter((name) => isAsked[name]);
  if (absent.length > 0)
    throw invalidParameter(`This cloud's functions do not have this yet: ${absent.join(", ")}.`);
}

/** Throws "InvalidParameterValueException" for more than one architecture. */
export function architectureOf(
  asked: readonly string[] | undefined,
): "x86_64" | "arm64" | undefined {
  if (asked === undefined || asked.length === 0) return undefined;
  const [only] = asked;
  if (asked.length > 1 || (only !== "x86_64" && only !== "arm64"))
    throw invalidMember(
      "architectures",
      `[${asked.join(", ").slice(0, 100)}]`,
      "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]",
    );
  return only;
}
