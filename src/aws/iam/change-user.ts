import type { DeleteUserCommandInput, UpdateUserCommandInput } from "@aws-sdk/client-iam";
import type { KeyRecord } from "#/model/access.ts";
import { iamName } from "#/model/iam.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { keysOf } from "./access-keys.ts";
import { askOfEntity, entityIn, type Named } from "./entities.ts";
import { alreadyExists, deleteConflict } from "./errors.ts";
import { checkedName, checkedPath } from "./names.ts";

/** Another name or path. The user stays who it is: its id, its keys and its groups go along. */
export const updateUser: AwsOperation<UpdateUserCommandInput, object> = {
  asks: (input, context) => [
    askOfEntity("iam-user", input, context),
    ...(input.NewUserName === undefined
      ? []
      : [askOfEntity("iam-user", { UserName: input.NewUserName }, context)]),
  ],
  async run(input, context) {
    const { parts, caller } = context;
    await parts.space.commit((tx) => {
      const record = entityIn("iam-user", input, context, tx);
      const { NewUserName, NewPath } = input;
      const name =
        NewUserName === undefined ? record.spec.name : checkedName(NewUserName, "newUserName", 64);
      const path = NewPath === undefined ? record.spec.path : checkedPath(NewPath);
      const spec = { ...record.spec, name, path };
      const to = iamName(caller.project, name);
      if (to === record.name) return void tx.put({ ...record, spec });
      if (tx.get("iam-user", to)) throw alreadyExists(`User with name ${name} already exists.`);
      tx.delete("iam-user", record.name);
      tx.put<"iam-user">({ kind: "iam-user", project: caller.project, name: to, spec, status: {} });
      for (const key of [...keysOf(context, record.spec.name), ...nativeKeysOf(context, input)])
        tx.put({ ...key, spec: { ...key.spec, user: name } } as never);
    }).durable;
    return {};
  },
};

export const deleteUser: AwsOperation<DeleteUserCommandInput, object> = {
  asks: (input, context) => askOfEntity("iam-user", input, context),
  async run(input, context) {
    await context.parts.space.commit((tx) => {
      const { name, spec } = entityIn("iam-user", input, context, tx);
      if (keysOf(context, spec.name).length > 0)
        throw deleteConflict("Cannot delete entity, must delete access keys first.");
      if (spec.attached.length > 0)
        throw deleteConflict("Cannot delete entity, must detach all policies first.");
      if (Object.keys(spec.inline).length > 0)
        throw deleteConflict("Cannot delete entity, must delete policies first.");
      if (spec.groups.length > 0)
        throw deleteConflict("Cannot delete entity, must remove users from group first.");
      for (const key of nativeKeysOf(context, input)) tx.delete("key", key.name);
      tx.delete("iam-user", name);
    }).durable;
    return {};
  },
};

/** Keys of the native API that act as the user: they go where the user goes. */
function nativeKeysOf({ parts, caller }: AwsContext, { UserName = "" }: Named): KeyRecord[] {
  const user = UserName.toLowerCase();
  return [...parts.space.list("key", caller.project)].filter(
    ({ spec }) => spec.user?.toLowerCase() === user,
  );
}
