import type {
  AddRoleToInstanceProfileCommandInput,
  CreateInstanceProfileCommandInput,
  CreateInstanceProfileCommandOutput,
  DeleteInstanceProfileCommandInput,
  GetInstanceProfileCommandInput,
  GetInstanceProfileCommandOutput,
  InstanceProfile,
  ListInstanceProfilesCommandInput,
  ListInstanceProfilesCommandOutput,
  ListInstanceProfilesForRoleCommandInput,
  ListInstanceProfilesForRoleCommandOutput,
} from "@aws-sdk/client-iam";
import { newAccessKeyId } from "#/access/identities/new-ids.ts";
import { iamArn, iamName, type IamProfileRecord, type IamProfileSpec } from "#/model/iam.ts";
import type { Transaction } from "#/space/space.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { askOfAll, entityIn, readingEntity } from "./entities.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from "./errors.ts";
import { checkedName, checkedPath } from "./names.ts";
import { pageOf } from "./pages.ts";
import { tagList, tagsIn } from "./tag-list.ts";
import { roleView } from "./views.ts";

const profilesMax = 1000;

type NamedProfile = { InstanceProfileName?: string | undefined };

function profileIn(
  { InstanceProfileName: name = "" }: NamedProfile,
  { parts, caller }: AwsContext,
  from: Pick<Transaction, "get"> = parts.space,
): IamProfileRecord {
  const record = from.get("iam-instance-profile", iamName(caller.project, name));
  if (record) return record;
  throw noSuchEntity(`Instance Profile ${name} cannot be found.`);
}

function askOfProfile(input: NamedProfile, { parts, caller, operation }: AwsContext): Ask {
  const { InstanceProfileName: name = "" } = input;
  const record = parts.space.get("iam-instance-profile", iamName(caller.project, name));
  const named = record?.spec ?? { path: "/", name };
  return {
    action: `iam:${operation}`,
    resource: iamArn("iam-instance-profile", caller.accountId, named),
  };
}

export function profileView(spec: IamProfileSpec, context: AwsContext): InstanceProfile {
  const { parts, caller } = context;
  const role =
    spec.role === undefined
      ? undefined
      : parts.space.get("iam-role", `${caller.project}/${spec.role}`);
  return {
    Path: spec.path,
    InstanceProfileName: spec.name,
    InstanceProfileId: spec.id,
    Arn: iamArn("iam-instance-profile", caller.accountId, spec),
    CreateDate: new Date(spec.createdAt),
    Roles: role ? [roleView(role.spec, context)] : [],
    ...(spec.tags && { Tags: tagList(spec.tags) }),
  };
}

export const createInstanceProfile: AwsOperation<
  CreateInstanceProfileCommandInput,
  CreateInstanceProfileCommandOutput
> = {
  asks: ({ InstanceProfileName = "", Path = "/" }, { caller: { accountId } }) => ({
    action: "iam:CreateInstanceProfile",
    resource: iamArn("iam-instance-profile", accountId, { path: Path, name: InstanceProfileName }),
  }),
  async run(input, context) {
    const { parts, caller } = context;
    const name = checkedName(input.InstanceProfileName!, "instanceProfileName", 128);
    const tags = tagsIn(input.Tags);
    const spec: IamProfileSpec = {
      id: newAccessKeyId("AIPA", parts.random),
      name,
      path: checkedPath(input.Path),
      createdAt: parts.clock.now(),
      ...(tags && { tags }),
    };
    await parts.space.commit((tx) => {
      const record = iamName(caller.project, name);
      if (tx.get("iam-instance-profile", record))
        throw alreadyExists(`Instance Profile ${name} already exists.`);
      if (parts.space.count("iam-instance-profile", caller.project) >= profilesMax)
        throw limitExceeded("InstanceProfilesPerAccount", profilesMax);
      tx.put<"iam-instance-profile">({
        kind: "iam-instance-profile",
        project: caller.project,
        name: record,
        spec,
        status: {},
      });
    }).durable;
    return { InstanceProfile: profileView(spec, context) };
  },
};

export const getInstanceProfile: AwsOperation<
  GetInstanceProfileCommandInput,
  GetInstanceProfileCommandOutput
> = {
  asks: askOfProfile,
  run: (input, context) => ({
    InstanceProfile: profileView(profileIn(input, context).spec, context),
  }),
};

export const listInstanceProfiles: AwsOperation<
  ListInstanceProfilesCommandInput,
  ListInstanceProfilesCommandOutput
> = {
  asks: (_input, context) => askOfAll(context, "instance-profile/"),
  run(input, context) {
    const { parts, caller } = context;
    const all = [...parts.space.list("iam-instance-profile", caller.project)].filter(({ spec }) =>
      spec.path.startsWith(input.PathPrefix ?? "/"),
    );
    const { items, ...page } = pageOf(all, ({ name }) => name, input);
    return { InstanceProfiles: items.map(({ spec }) => profileView(spec, context)), ...page };
  },
};

export const listInstanceProfilesForRole: AwsOperation<
  ListInstanceProfilesForRoleCommandInput,
  ListInstanceProfilesForRoleCommandOutput
> = readingEntity("iam-role", (role, input: ListInstanceProfilesForRoleCommandInput, context) => {
  const { items, ...page } = pageOf(profilesOf(role.name, context), ({ name }) => name, input);
  return {
    InstanceProfiles: items.map(({ spec }) => profileView(spec, context)),
    ...page,
    $metadata: {},
  };
});

export const deleteInstanceProfile: AwsOperation<DeleteInstanceProfileCommandInput, object> = {
  asks: askOfProfile,
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const { name, spec } = profileIn(input, context, tx);
      if (spec.role !== undefined)
        throw deleteConflict(
          "Cannot delete entity, must remove roles from instance profile first.",
        );
      tx.delete("iam-instance-profile", name);
    }).durable;
    return {};
  },
};

/** One role at most; who puts it there hands it to machines, and so must be allowed to pass it on. */
export const addRoleToInstanceProfile: AwsOperation<AddRoleToInstanceProfileCommandInput, object> =
  {
    asks: (input, context) => [
      askOfProfile(input, context),
      {
        action: "iam:PassRole",
        resource: iamArn(
          "iam-role",
          context.caller.accountId,
          entityIn("iam-role", input, context).spec,
        ),
      },
    ],
    async run(input, context) {
      await context.parts.space.commit((tx) => {
        const record = profileIn(input, context, tx);
        const role = entityIn("iam-role", input, context, tx);
        if (record.spec.role !== undefined)
          throw limitExceeded("InstanceSessionsPerInstanceProfile", 1);
        tx.put({ ...record, spec: { ...record.spec, role: roleKey(role.name) } });
      }).durable;
      return {};
    },
  };

export const removeRoleFromInstanceProfile: AwsOperation<
  AddRoleToInstanceProfileCommandInput,
  object
> = {
  asks: askOfProfile,
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const record = profileIn(input, context, tx);
      const { role, ...spec } = record.spec;
      if (role === undefined || role !== input.RoleName?.toLowerCase())
        throw noSuchEntity(
          `Role ${input.RoleName} is not in the instance profile ${record.spec.name}.`,
        );
      tx.put({ ...record, spec });
    }).durable;
    return {};
  },
};

const roleKey = (recordName: string) => recordName.slice(recordName.indexOf("/") + 1);

/** Those that have a role, by the name of its record. */
export function profilesOf(recordName: string, { parts, caller }: AwsContext): IamProfileRecord[] {
  const key = roleKey(recordName);
  return [...parts.space.list("iam-instance-profile", caller.project)].filter(
    ({ spec }) => spec.role === key,
  );
}
