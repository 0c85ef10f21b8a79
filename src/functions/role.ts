import { trustsService } from "#/access/policies/trusts-service.ts";
import { iamArn, iamName, type IamRoleRecord } from "#/model/iam.ts";
import type { Space } from "#/space/space.ts";

/** The role of that ARN, where the account has it and it lets Lambda assume it. */
export function assumableRole(
  space: Pick<Space, "get">,
  { project, accountId }: { project: string; accountId: string },
  arn: string,
): IamRoleRecord | undefined {
  const role = space.get("iam-role", iamName(project, arn.slice(arn.lastIndexOf("/") + 1)));
  if (!role || iamArn("iam-role", accountId, role.spec) !== arn) return undefined;
  const facts = (key: string) => (key === "aws:sourceaccount" ? accountId : undefined);
  return trustsService(role.spec.trust, "lambda.amazonaws.com", facts) ? role : undefined;
}
