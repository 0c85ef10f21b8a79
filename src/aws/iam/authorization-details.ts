import type {
  GetAccountAuthorizationDetailsCommandInput,
  GetAccountAuthorizationDetailsCommandOutput,
} from "@aws-sdk/client-iam";
import type { IamEntity } from "#/model/iam.ts";
import type { AwsOperation } from "../call.ts";
import { profilesOf, profileView } from "./instance-profiles.ts";
import { pageOf } from "./pages.ts";
import { encodedDocument, groupView, policyView, roleView, userView } from "./views.ts";

/** Everything of an account that says who may do what, in one list: users, groups, roles and its own policies. */
export const getAccountAuthorizationDetails: AwsOperation<
  GetAccountAuthorizationDetailsCommandInput,
  GetAccountAuthorizationDetailsCommandOutput
> = {
  asks: () => ({ action: "iam:GetAccountAuthorizationDetails", resource: "*" }),
  run(input, context) {
    const { space } = context.parts;
    const { project } = context.caller;
    const wanted = new Set<string>(input.Filter ?? []);
    const isWanted = (what: string) => wanted.size === 0 || wanted.has(what);
    const all = [
      ...(isWanted("User") ? space.list("iam-user", project) : []),
      ...(isWanted("Group") ? space.list("iam-group", project) : []),
      ...(isWanted("Role") ? space.list("iam-role", project) : []),
      ...(isWanted("LocalManagedPolicy") ? space.list("iam-policy", project) : []),
    ];
    const { items, ...page } = pageOf(all, ({ kind, name }) => `${kind} ${name}`, input);
    return {
      UserDetailList: items.flatMap((one) =>
        one.kind === "iam-user"
          ? {
              ...userView(one.spec, context),
              UserPolicyList: inlineOf(one.spec),
              AttachedManagedPolicies: attachedOf(one.spec),
              GroupList: one.spec.groups.flatMap(
                (group) => space.get("iam-group", `${project}/${group}`)?.spec.name ?? [],
              ),
            }
          : [],
      ),
      GroupDetailList: items.flatMap((one) =>
        one.kind === "iam-group"
          ? {
              ...groupView(one.spec, context),
              GroupPolicyList: inlineOf(one.spec),
              AttachedManagedPolicies: attachedOf(one.spec),
            }
          : [],
      ),
      RoleDetailList: items.flatMap((one) =>
        one.kind === "iam-role"
          ? {
              ...roleView(one.spec, context),
              RolePolicyList: inlineOf(one.spec),
              AttachedManagedPolicies: attachedOf(one.spec),
              InstanceProfileList: profilesOf(one.name, context).map(({ spec }) =>
                profileView(spec, context),
              ),
            }
          : [],
      ),
      Policies: items.flatMap((one) =>
        one.kind === "iam-policy"
          ? {
              ...policyView(one.spec, context),
              PolicyVersionList: one.spec.versions.map(({ id, document, createdAt }) => ({
                VersionId: id,
                Document: encodedDocument(document),
                IsDefaultVersion: id === one.spec.defaultVersion,
                CreateDate: new Date(createdAt),
              })),
            }
          : [],
      ),
      ...page,
    };
  },
};

const inlineOf = ({ inline }: IamEntity) =>
  Object.entries(inline).map(([PolicyName, text]) => ({
    PolicyName,
    PolicyDocument: encodedDocument(text),
  }));

const attachedOf = ({ attached }: IamEntity) =>
  attached.map((PolicyArn) => ({
    PolicyName: PolicyArn.slice(PolicyArn.lastIndexOf("/") + 1),
    PolicyArn,
  }));
