import type {
  CreatePolicyCommandInput,
  CreatePolicyCommandOutput,
  DeletePolicyCommandInput,
  GetPolicyCommandInput,
  GetPolicyCommandOutput,
  ListEntitiesForPolicyCommandInput,
  ListEntitiesForPolicyCommandOutput,
  ListPoliciesCommandInput,
  ListPoliciesCommandOutput,
  Policy,
} from "@aws-sdk/client-iam";
import { managedDocument, managedPolicies } from "#/access/identities/managed-policies.ts";
import { newAccessKeyId } from "#/access/identities/new-ids.ts";
import { iamArn, iamName, type IamPolicySpec } from "#/model/iam.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./entities.ts";
import {
  alreadyExists,
  checkDocument,
  deleteConflict,
  limitExceeded,
  noSuchEntity,
} from "./errors.ts";
import { checkedName, checkedPath } from "./names.ts";
import { pageOf } from "./pages.ts";
import { askOfPolicy, policyIn } from "./policy-in.ts";
import { tagsIn } from "./tag-list.ts";
import { isManagedPolicy, policyView, usesOf } from "./views.ts";

const policiesMax = 1500;
export const documentCharactersMax = 6144;

export const createPolicy: AwsOperation<CreatePolicyCommandInput, CreatePolicyCommandOutput> = {
  asks: ({ PolicyName = "", Path = "/" }, { caller: { accountId } }) => ({
    action: "iam:CreatePolicy",
    resource: iamArn("iam-policy", accountId, { path: Path, name: PolicyName }),
  }),
  async run(input, context) {
    const { parts, caller } = context;
    const name = checkedName(input.PolicyName!, "policyName", 128);
    const document = input.PolicyDocument!;
    checkDocument(document, "identity", "PolicySize", documentCharactersMax);
    const createdAt = parts.clock.now();
    const tags = tagsIn(input.Tags);
    const spec: IamPolicySpec = {
      id: newAccessKeyId("ANPA", parts.random),
      name,
      path: checkedPath(input.Path),
      createdAt,
      updatedAt: createdAt,
      versions: [{ id: "v1", document, createdAt }],
      defaultVersion: "v1",
      versionsMade: 1,
      ...(input.Description !== undefined && { description: input.Description }),
      ...(tags && { tags }),
    };
    await parts.space.commit((tx) => {
      const record = iamName(caller.project, name);
      if (tx.get("iam-policy", record))
        throw alreadyExists(
          `A policy called ${name} already exists. Duplicate names are not allowed.`,
        );
      if (parts.space.count("iam-policy", caller.project) >= policiesMax)
        throw limitExceeded("PoliciesPerAccount", policiesMax);
      tx.put<"iam-policy">({
        kind: "iam-policy",
        project: caller.project,
        name: record,
        spec,
        status: {},
      });
    }).durable;
    return { Policy: policyView(spec, context) };
  },
};

export const getPolicy: AwsOperation<GetPolicyCommandInput, GetPolicyCommandOutput> = {
  asks: askOfPolicy,
  run(input, context) {
    const arn = input.PolicyArn ?? "";
    if (managedDocument(arn) !== undefined) return { Policy: awsView(arn, context) };
    if (arn.startsWith("arn:aws:iam::aws:policy/"))
      throw noSuchEntity(`Policy ${arn} was not found.`);
    return { Policy: policyView(policyIn(input, context).spec, context) };
  },
};

export const listPolicies: AwsOperation<ListPoliciesCommandInput, ListPoliciesCommandOutput> = {
  asks: (_input, context) => askOfAll(context, "policy/"),
  run(input, context) {
    const { Scope = "All", PathPrefix = "/", OnlyAttached = false, PolicyUsageFilter } = input;
    const { parts, caller } = context;
    const own = [...parts.space.list("iam-policy", caller.project)].map(({ spec }) =>
      policyView(spec, context, true),
    );
    const aws = managedPolicies().map(({ arn }) => awsView(arn, context));
    const all = [...(Scope === "AWS" ? [] : own), ...(Scope === "Local" ? [] : aws)].filter(
      (one) =>
        one.Path!.startsWith(PathPrefix) &&
        (!OnlyAttached || one.AttachmentCount! > 0) &&
        (PolicyUsageFilter !== "PermissionsBoundary" || one.PermissionsBoundaryUsageCount! > 0),
    );
    const { items, ...page } = pageOf(all, ({ Arn }) => Arn!, input);
    return { Policies: items, ...page };
  },
};

/** Its default version goes along; others must be gone before. */
export const deletePolicy: AwsOperation<DeletePolicyCommandInput, object> = {
  asks: askOfPolicy,
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const record = policyIn(input, context, tx);
      const { attached, bounding } = usesOf(input.PolicyArn!, context);
      if (attached + bounding > 0)
        throw deleteConflict("Cannot delete a policy attached to entities.");
      if (record.spec.versions.length > 1)
        throw deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      tx.delete("iam-policy", record.name);
    }).durable;
    return {};
  },
};

export const listEntitiesForPolicy: AwsOperation<
  ListEntitiesForPolicyCommandInput,
  ListEntitiesForPolicyCommandOutput
> = {
  asks: askOfPolicy,
  run(input, context) {
    const { PolicyArn: arn = "", EntityFilter, PathPrefix = "/", PolicyUsageFilter } = input;
    if (!isManagedPolicy(arn, context)) throw noSuchEntity(`Policy ${arn} was not found.`);
    const { space } = context.parts;
    const kinds = [
      ["User", "iam-user"],
      ["Group", "iam-group"],
      ["Role", "iam-role"],
    ] as const;
    const isUsing = (spec: { attached: readonly string[]; boundary?: string | undefined }) =>
      PolicyUsageFilter === "PermissionsBoundary"
        ? spec.boundary === arn
        : spec.attached.includes(arn);
    const all = kinds.flatMap(([word, kind]) =>
      EntityFilter === undefined || EntityFilter === word
        ? [...space.list(kind, context.caller.project)]
            .filter(({ spec }) => spec.path.startsWith(PathPrefix) && isUsing(spec))
            .map(({ name, spec }) => ({ word, key: `${kind} ${name}`, spec }))
        : [],
    );
    const { items, ...page } = pageOf(all, ({ key }) => key, input);
    const ofKind = (word: string) =>
      items.filter((one) => one.word === word).map(({ spec }) => spec);
    return {
      PolicyUsers: ofKind("User").map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyGroups: ofKind("Group").map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyRoles: ofKind("Role").map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...page,
    };
  },
};

/** A policy of AWS, as all accounts see it. */
function awsView(arn: string, context: AwsContext): Policy {
  const { attached, bounding } = usesOf(arn, context);
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  return {
    PolicyName: name,
    PolicyId: `ANPA${name
      .toUpperCase()
      .replaceAll(/[^A-Z]/g, "")
      .padEnd(16, "A")
      .slice(0, 16)}`,
    Arn: arn,
    Path: arn.slice(arn.indexOf("/"), arn.lastIndexOf("/") + 1),
    DefaultVersionId: "v1",
    AttachmentCount: attached,
    PermissionsBoundaryUsageCount: bounding,
    IsAttachable: true,
    CreateDate: new Date(0),
    UpdateDate: new Date(0),
  };
}
