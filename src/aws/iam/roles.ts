import type {
  CreateRoleCommandInput,
  CreateRoleCommandOutput,
  DeleteRoleCommandInput,
  GetRoleCommandInput,
  GetRoleCommandOutput,
  ListRolesCommandInput,
  ListRolesCommandOutput,
  UpdateAssumeRolePolicyCommandInput,
  UpdateRoleCommandInput,
  UpdateRoleDescriptionCommandInput,
} from "@aws-sdk/client-iam";
import { newAccessKeyId } from "#/access/identities/new-ids.ts";
import { iamArn, iamName, type IamRoleSpec } from "#/model/iam.ts";
import type { AwsOperation } from "../call.ts";
import { checkManaged } from "./attached-policies.ts";
import { askOfAll, askOfEntity, changingEntity, entityIn, readingEntity } from "./entities.ts";
import {
  alreadyExists,
  checkDocument,
  deleteConflict,
  limitExceeded,
  validationError,
} from "./errors.ts";
import { profilesOf } from "./instance-profiles.ts";
import { checkedName, checkedPath } from "./names.ts";
import { pageOf } from "./pages.ts";
import { tagsIn } from "./tag-list.ts";
import { roleView } from "./views.ts";

const rolesMax = 1000;
const trustCharactersMax = 2048;
const sessionSecondsDefault = 3600;

function checkedSession(seconds = sessionSecondsDefault): number {
  if (seconds < 3600 || seconds > 43_200)
    throw validationError(
      `1 validation error detected: Value '${seconds}' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200`,
    );
  return seconds;
}

export const createRole: AwsOperation<CreateRoleCommandInput, CreateRoleCommandOutput> = {
  asks: ({ RoleName = "", Path = "/" }, { caller: { accountId } }) => ({
    action: "iam:CreateRole",
    resource: iamArn("iam-role", accountId, { path: Path, name: RoleName }),
  }),
  async run(input, context) {
    const { parts, caller } = context;
    const name = checkedName(input.RoleName!, "roleName", 64);
    const trust = input.AssumeRolePolicyDocument!;
    checkDocument(trust, "trust", "ACLSizePerRole", trustCharactersMax);
    const boundary = input.PermissionsBoundary;
    if (boundary !== undefined) checkManaged(boundary, context);
    const tags = tagsIn(input.Tags);
    const spec: IamRoleSpec = {
      id: newAccessKeyId("AROA", parts.random),
      name,
      path: checkedPath(input.Path),
      createdAt: parts.clock.now(),
      inline: {},
      attached: [],
      trust,
      sessionSecondsMax: checkedSession(input.MaxSessionDuration),
      ...(input.Description !== undefined && { description: input.Description }),
      ...(boundary !== undefined && { boundary }),
      ...(tags && { tags }),
    };
    await parts.space.commit((tx) => {
      const record = iamName(caller.project, name);
      if (tx.get("iam-role", record)) throw alreadyExists(`Role with name ${name} already exists.`);
      if (parts.space.count("iam-role", caller.project) >= rolesMax)
        throw limitExceeded("RolesPerAccount", rolesMax);
      tx.put<"iam-role">({
        kind: "iam-role",
        project: caller.project,
        name: record,
        spec,
        status: {},
      });
    }).durable;
    return { Role: roleView(spec, context) };
  },
};

export const getRole: AwsOperation<GetRoleCommandInput, GetRoleCommandOutput> = readingEntity(
  "iam-role",
  ({ spec }, _input: GetRoleCommandInput, context) => ({
    Role: { ...roleView(spec, context), RoleLastUsed: {} },
    $metadata: {},
  }),
);

export const listRoles: AwsOperation<ListRolesCommandInput, ListRolesCommandOutput> = {
  asks: (_input, context) => askOfAll(context, "role/"),
  run(input, context) {
    const all = [...context.parts.space.list("iam-role", context.caller.project)].filter(
      ({ spec }) => spec.path.startsWith(input.PathPrefix ?? "/"),
    );
    const { items, ...page } = pageOf(all, ({ name }) => name, input);
    return { Roles: items.map(({ spec }) => roleView({ ...spec, tags: {} }, context)), ...page };
  },
};

export const updateRole = changingEntity<"iam-role", UpdateRoleCommandInput>(
  "iam-role",
  (spec, { Description, MaxSessionDuration }) => ({
    ...spec,
    ...(Description !== undefined && { description: Description }),
    ...(MaxSessionDuration !== undefined && {
      sessionSecondsMax: checkedSession(MaxSessionDuration),
    }),
  }),
);

export const updateRoleDescription: AwsOperation<UpdateRoleDescriptionCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-role", input, context),
  async run(input, context) {
    const { Description = "" } = input;
    const committed = context.parts.space.commit((tx) => {
      const record = entityIn("iam-role", input, context, tx);
      return tx.put<"iam-role">({ ...record, spec: { ...record.spec, description: Description } });
    });
    await committed.durable;
    return { Role: roleView(committed.value.spec, context) };
  },
};

export const updateAssumeRolePolicy = changingEntity<
  "iam-role",
  UpdateAssumeRolePolicyCommandInput
>("iam-role", (spec, { PolicyDocument: trust = "" }) => {
  checkDocument(trust, "trust", "ACLSizePerRole", trustCharactersMax);
  return { ...spec, trust };
});

export const deleteRole: AwsOperation<DeleteRoleCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-role", input, context),
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const { name, spec } = entityIn("iam-role", input, context, tx);
      if (spec.attached.length > 0)
        throw deleteConflict("Cannot delete entity, must detach all policies first.");
      if (Object.keys(spec.inline).length > 0)
        throw deleteConflict("Cannot delete entity, must delete policies first.");
      if (profilesOf(name, context).length > 0)
        throw deleteConflict(
          "Cannot delete entity, must remove roles from instance profile first.",
        );
      tx.delete("iam-role", name);
    }).durable;
    return {};
  },
};
