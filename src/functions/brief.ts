import type { Identities } from "#/access/identities/identities.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { EnvironmentBrief } from "#/model/function-wire.ts";
import { interpreterOf, type FunctionConfig } from "#/model/function.ts";
import type { Space } from "#/space/space.ts";
import type { Functions } from "./functions.ts";
import { assumableRole } from "./role.ts";
import type { Target } from "./target.ts";

const MiB = 1024 * 1024;
/** So much memory comes with one processor. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
const mebibytesPerCpu = 1769;

/** What an environment holds of its machine. */
export function sizeOf({ memoryMb }: FunctionConfig): { milliCpus: number; memoryBytes: number } {
  return {
    milliCpus: Math.ceil((memoryMb * 1000) / mebibytesPerCpu),
    memoryBytes: memoryMb * MiB,
  };
}

interface Parts {
  space: Pick<Space, "get">;
  functions: Pick<Functions, "environmentOf">;
  identities: Pick<Identities, "makeSession">;
  clock: Pick<Clock, "now">;
  region: string;
}

/** What an environment of a version is made of. */
export function briefOf(parts: Parts, target: Target, environment: string): EnvironmentBrief {
  const { function: record, version, config } = target;
  const { title } = record.spec;
  return {
    project: record.project,
    interpreter: interpreterOf(config.runtime),
    handler: config.handler,
    code: { blob: config.code.blob, sizeBytes: config.code.sizeBytes },
    ...sizeOf(config),
    ephemeralBytes: config.ephemeralMb * MiB,
    initMs: Math.max(limits.functionInitMs, config.timeoutSeconds * 1000),
    env: {
      LANG: "C.UTF-8",
      TZ: ":UTC",
      ...parts.functions.environmentOf(record, config),
      ...credentialsOf(parts, target),
      _HANDLER: config.handler,
      AWS_REGION: parts.region,
      AWS_DEFAULT_REGION: parts.region,
      AWS_EXECUTION_ENV: `AWS_Lambda_${config.runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: title,
      AWS_LAMBDA_FUNCTION_VERSION: version,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${title}`,
      AWS_LAMBDA_LOG_STREAM_NAME: `[${version}]${environment}`,
      LAMBDA_TASK_ROOT: "/var/task",
    },
  };
}

/** Of a session as its role; none where the role is gone, is another's, or trusts functions no more: then it may do nothing. */
function credentialsOf(
  { space, identities, clock }: Parts,
  { function: { project, spec }, config }: Target,
): Record<string, string> {
  const role = assumableRole(space, { project, accountId: spec.accountId }, config.role);
  if (!role) return {};
  const keys = identities.makeSession({
    project,
    as: { kind: "role", name: role.spec.name, id: role.spec.id },
    sessionName: spec.title,
    expiresAt: clock.now() + limits.environmentCredentialsMs,
  });
  return {
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secret,
    AWS_SESSION_TOKEN: keys.token,
  };
}
