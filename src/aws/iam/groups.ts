import type {
  AddUserToGroupCommandInput,
  CreateGroupCommandInput,
  CreateGroupCommandOutput,
  DeleteGroupCommandInput,
  GetGroupCommandInput,
  GetGroupCommandOutput,
  ListGroupsCommandInput,
  ListGroupsCommandOutput,
  ListGroupsForUserCommandInput,
  ListGroupsForUserCommandOutput,
  UpdateGroupCommandInput,
} from "@aws-sdk/client-iam";
import { newAccessKeyId } from "#/access/identities/new-ids.ts";
import { iamArn, iamName, type IamEntity, type IamUserRecord } from "#/model/iam.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll, askOfEntity, entityIn, readingEntity } from "./entities.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity } from "./errors.ts";
import { checkedName, checkedPath } from "./names.ts";
import { pageOf } from "./pages.ts";
import { groupView, userView } from "./views.ts";

const groupsMax = 300;
const groupsOfUserMax = 10;

export const createGroup: AwsOperation<CreateGroupCommandInput, CreateGroupCommandOutput> = {
  asks: ({ GroupName = "", Path = "/" }, { caller: { accountId } }) => ({
    action: "iam:CreateGroup",
    resource: iamArn("iam-group", accountId, { path: Path, name: GroupName }),
  }),
  async run(input, context) {
    const { parts, caller } = context;
    const name = checkedName(input.GroupName!, "groupName", 128);
    const spec: IamEntity = {
      id: newAccessKeyId("AGPA", parts.random),
      name,
      path: checkedPath(input.Path),
      createdAt: parts.clock.now(),
      inline: {},
      attached: [],
    };
    await parts.space.commit((tx) => {
      const record = iamName(caller.project, name);
      if (tx.get("iam-group", record))
        throw alreadyExists(`Group with name ${name} already exists.`);
      if (parts.space.count("iam-group", caller.project) >= groupsMax)
        throw limitExceeded("GroupsPerAccount", groupsMax);
      tx.put<"iam-group">({
        kind: "iam-group",
        project: caller.project,
        name: record,
        spec,
        status: {},
      });
    }).durable;
    return { Group: groupView(spec, context) };
  },
};

/** The group and who is in it. */
export const getGroup: AwsOperation<GetGroupCommandInput, GetGroupCommandOutput> = readingEntity(
  "iam-group",
  (group, input: GetGroupCommandInput, context) => {
    const { items, ...page } = pageOf(membersOf(group.name, context), ({ name }) => name, input);
    return {
      Group: groupView(group.spec, context),
      Users: items.map(({ spec }) => userView(spec, context)),
      ...page,
      $metadata: {},
    };
  },
);

export const listGroups: AwsOperation<ListGroupsCommandInput, ListGroupsCommandOutput> = {
  asks: (_input, context) => askOfAll(context, "group/"),
  run(input, context) {
    const all = [...context.parts.space.list("iam-group", context.caller.project)].filter(
      ({ spec }) => spec.path.startsWith(input.PathPrefix ?? "/"),
    );
    const { items, ...page } = pageOf(all, ({ name }) => name, input);
    return { Groups: items.map(({ spec }) => groupView(spec, context)), ...page };
  },
};

export const listGroupsForUser: AwsOperation<
  ListGroupsForUserCommandInput,
  ListGroupsForUserCommandOutput
> = readingEntity("iam-user", ({ spec }, input: ListGroupsForUserCommandInput, context) => {
  const { parts, caller } = context;
  const groups = spec.groups.flatMap(
    (name) => parts.space.get("iam-group", `${caller.project}/${name}`) ?? [],
  );
  const { items, ...page } = pageOf(groups, ({ name }) => name, input);
  return { Groups: items.map((one) => groupView(one.spec, context)), ...page, $metadata: {} };
});

/** Another name or path; who is in it stays in it. */
export const updateGroup: AwsOperation<UpdateGroupCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-group", input, context),
  async run(input, context) {
    const { parts, caller } = context;
    await parts.space.commit((tx) => {
      const record = entityIn("iam-group", input, context, tx);
      const { NewGroupName, NewPath } = input;
      const name =
        NewGroupName === undefined
          ? record.spec.name
          : checkedName(NewGroupName, "newGroupName", 128);
      const path = NewPath === undefined ? record.spec.path : checkedPath(NewPath);
      const spec = { ...record.spec, name, path };
      const to = iamName(caller.project, name);
      if (to === record.name) return void tx.put({ ...record, spec });
      if (tx.get("iam-group", to)) throw alreadyExists(`Group with name ${name} already exists.`);
      const members = membersOf(record.name, context);
      tx.delete("iam-group", record.name);
      tx.put<"iam-group">({
        kind: "iam-group",
        project: caller.project,
        name: to,
        spec,
        status: {},
      });
      const before = groupKey(record.name);
      for (const user of members) {
        const groups = user.spec.groups.map((one) => (one === before ? groupKey(to) : one));
        tx.put({ ...user, spec: { ...user.spec, groups } });
      }
    }).durable;
    return {};
  },
};

export const deleteGroup: AwsOperation<DeleteGroupCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-group", input, context),
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const { name, spec } = entityIn("iam-group", input, context, tx);
      if (membersOf(name, context).length > 0)
        throw deleteConflict("Cannot delete entity, must remove users from group first.");
      if (spec.attached.length > 0)
        throw deleteConflict("Cannot delete entity, must detach all policies first.");
      if (Object.keys(spec.inline).length > 0)
        throw deleteConflict("Cannot delete entity, must delete policies first.");
      tx.delete("iam-group", name);
    }).durable;
    return {};
  },
};

export const addUserToGroup: AwsOperation<AddUserToGroupCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-group", input, context),
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const group = groupKey(entityIn("iam-group", input, context, tx).name);
      const user = entityIn("iam-user", input, context, tx);
      if (user.spec.groups.includes(group)) return;
      if (user.spec.groups.length >= groupsOfUserMax)
        throw limitExceeded("GroupsPerUser", groupsOfUserMax);
      tx.put({ ...user, spec: { ...user.spec, groups: [...user.spec.groups, group] } });
    }).durable;
    return {};
  },
};

export const removeUserFromGroup: AwsOperation<AddUserToGroupCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-group", input, context),
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const group = groupKey(entityIn("iam-group", input, context, tx).name);
      const user = entityIn("iam-user", input, context, tx);
      if (!user.spec.groups.includes(group))
        throw noSuchEntity(`User ${user.spec.name} is not in the group ${input.GroupName}.`);
      const groups = user.spec.groups.filter((one) => one !== group);
      tx.put({ ...user, spec: { ...user.spec, groups } });
    }).durable;
    return {};
  },
};

/** The name of a group's record, without the project. */
const groupKey = (recordName: string) => recordName.slice(recordName.indexOf("/") + 1);

function membersOf(recordName: string, { parts, caller }: AwsContext): IamUserRecord[] {
  const key = groupKey(recordName);
  return [...parts.space.list("iam-user", caller.project)].filter(({ spec }) =>
    spec.groups.includes(key),
  );
}
