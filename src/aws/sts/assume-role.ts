import type { AssumeRoleCommandInput, AssumeRoleCommandOutput } from "@aws-sdk/client-sts";
import { iamArn, iamName, type IamRoleRecord } from "#/model/iam.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { tagsIn } from "../iam/tag-list.ts";
import {
  checkedSeconds,
  checkedSessionName,
  credentialsView,
  sessionPolicies,
  validationError,
} from "./session-input.ts";

const secondsDefault = 3600;
/** A role that another role's session assumes. */
const chainedSecondsMax = 3600;

/** Who may assume a role, of this account or another, is asked of the role's trust and of who asks. */
export const assumeRole: AwsOperation<AssumeRoleCommandInput, AssumeRoleCommandOutput> = {
  asks(input, context) {
    if (context.caller.kind === "account")
      throw new AwsError("AccessDenied", 403, "Roles may not be assumed by root accounts.");
    if (!/^arn:[\w-]+:iam::\d{12}:role\/./.test(input.RoleArn ?? ""))
      throw validationError(`${input.RoleArn} is invalid`);
    const role = roleIn(input, context);
    const tags = tagsIn(input.Tags);
    const identity = sourceIdentityOf(input, context);
    const ask: Ask = {
      action: "sts:AssumeRole",
      resource: input.RoleArn ?? "",
      resourcePolicy: role?.spec.trust,
      resourcePolicyKind: "trust",
      isResourcePolicyNeeded: true,
      ownerAccountId: /^arn:aws:iam::(\d{12}):/.exec(input.RoleArn ?? "")?.[1],
      conditions: {
        "sts:rolesessionname": input.RoleSessionName ?? "",
        ...(input.ExternalId !== undefined && { "sts:externalid": input.ExternalId }),
        ...(identity !== undefined && { "sts:sourceidentity": identity }),
        ...(tags && { "aws:tagkeys": Object.keys(tags) }),
        ...Object.fromEntries(
          Object.entries(tags ?? {}).map(([key, value]) => [
            `aws:requesttag/${key.toLowerCase()}`,
            value,
          ]),
        ),
      },
    };
    return [
      ask,
      ...(tags ? [{ ...ask, action: "sts:TagSession" }] : []),
      ...(identity === undefined ? [] : [{ ...ask, action: "sts:SetSourceIdentity" }]),
    ];
  },
  run(input, context) {
    const { parts, caller } = context;
    const role = roleIn(input, context);
    if (!role) throw new AwsError("AccessDenied", 403, "Access Denied");
    const sessionName = checkedSessionName(input.RoleSessionName!, "roleSessionName", 64);
    const seconds = checkedSeconds(input.DurationSeconds ?? secondsDefault, 43_200);
    if (seconds > role.spec.sessionSecondsMax)
      throw validationError(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
      );
    if (caller.kind === "role" && seconds > chainedSecondsMax)
      throw validationError(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
      );
    const tags = tagsIn(input.Tags);
    const sourceIdentity = sourceIdentityOf(input, context);
    const keys = parts.identities.makeSession({
      project: role.project,
      as: { kind: "role", name: role.spec.name, id: role.spec.id },
      sessionName,
      expiresAt: parts.clock.now() + seconds * 1000,
      ...sessionPolicies(input.Policy, input.PolicyArns),
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      ...(tags && { tags }),
    });
    const { arn, userId } = parts.identities.session(role, sessionName);
    return {
      Credentials: credentialsView(keys),
      AssumedRoleUser: { AssumedRoleId: userId, Arn: arn },
      ...(sourceIdentity !== undefined && { SourceIdentity: sourceIdentity }),
    };
  },
};

/** Who is behind the session: once said, every session that comes of it has the same. Throws "ValidationError", "AccessDenied". */
function sourceIdentityOf(
  { SourceIdentity: asked }: AssumeRoleCommandInput,
  { caller: { sourceIdentity: before, arn } }: AwsContext,
): string | undefined {
  if (asked === undefined) return before;
  checkedSessionName(asked, "sourceIdentity", 64);
  if (/^aws:/i.test(asked))
    throw validationError("SourceIdentity must not begin with the reserved prefix aws:");
  if (before !== undefined && before !== asked)
    throw new AwsError(
      "AccessDenied",
      403,
      `User: ${arn} is not authorized to perform: sts:SetSourceIdentity because its session has another source identity`,
    );
  return asked;
}

/** The role of an ARN, of whichever account. Who may not assume it does not learn whether it is there. */
function roleIn(
  { RoleArn = "" }: AssumeRoleCommandInput,
  { parts }: AwsContext,
): IamRoleRecord | undefined {
  const [, accountId, name] = /^arn:aws:iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/.exec(RoleArn) ?? [];
  const project = accountId === undefined ? undefined : parts.identities.projectOf(accountId);
  if (project === undefined) return undefined;
  const role = parts.space.get("iam-role", iamName(project, name!));
  return role && iamArn("iam-role", accountId!, role.spec) === RoleArn ? role : undefined;
}
