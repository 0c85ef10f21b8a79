import type { FunctionConfiguration } from "@aws-sdk/client-lambda";
import type { FunctionRecord } from "#/model/function.ts";
import type { AwsContext } from "../call.ts";
import type { Qualified } from "./function-in.ts";

/** A function, or a version of it, as Lambda tells of it. `qualifier` is what stands behind its ARN. */
export function configurationView(
  found: FunctionRecord,
  { version, config, description }: Qualified,
  qualifier: string | undefined,
  { parts: { functions } }: Pick<AwsContext, "parts">,
): FunctionConfiguration {
  const variables = functions.environmentOf(found, config);
  const { title } = found.spec;
  const arn = functions.arnOf(found);
  return {
    FunctionName: title,
    FunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    Runtime: config.runtime,
    Role: config.role,
    ...(config.handler !== "" && { Handler: config.handler }),
    CodeSize: config.code.sizeBytes,
    CodeSha256: config.code.sha256,
    Description: description,
    Timeout: config.timeoutSeconds,
    MemorySize: config.memoryMb,
    LastModified: timeText(config.modifiedAt),
    Version: version,
    ...(Object.keys(variables).length > 0 && { Environment: { Variables: variables } }),
    TracingConfig: { Mode: "PassThrough" },
    RevisionId: config.revisionId,
    State: "Active",
    LastUpdateStatus: "Successful",
    PackageType: "Zip",
    Architectures: [config.architecture],
    EphemeralStorage: { Size: config.ephemeralMb },
    SnapStart: { ApplyOn: "None", OptimizationStatus: "Off" },
    LoggingConfig: { LogFormat: "Text", LogGroup: `/aws/lambda/${title}` },
  };
}

/** "2026-11-24T02:00:00.000+0000" */
const timeText = (time: number) => new Date(time).toISOString().replace("Z", "+0000");
