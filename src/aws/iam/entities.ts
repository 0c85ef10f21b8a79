import { iamArn, iamName } from "#/model/iam.ts";
import type { AnyRecord, RecordOfKind } from "#/model/record.ts";
import type { Transaction } from "#/space/space.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { noSuchEntity } from "./errors.ts";

export type EntityKind = "iam-user" | "iam-group" | "iam-role";

/** What names an entity in the inputs of its operations. */
export type Named = {
  UserName?: string | undefined;
  GroupName?: string | undefined;
  RoleName?: string | undefined;
};

type RecordName = "UserName" | "GroupName" | "RoleName";
const members: Record<EntityKind, RecordName> = {
  "iam-user": "UserName",
  "iam-group": "GroupName",
  "iam-role": "RoleName",
};
export const words: Record<EntityKind, string> = {
  "iam-user": "user",
  "iam-group": "group",
  "iam-role": "role",
};

/** The entity that an input names, of the caller's account. Throws "NoSuchEntity". */
export function entityIn<K extends EntityKind>(
  kind: K,
  input: Named,
  context: AwsContext,
  from: Pick<Transaction, "get"> = context.parts.space,
): RecordOfKind<K> {
  const name = input[members[kind]] ?? "";
  const record = from.get(kind, iamName(context.caller.project, name));
  if (record) return record;
  throw noSuchEntity(`The ${words[kind]} with name ${name} cannot be found.`);
}

/** What must be allowed to do something to the entity that an input names. */
export function askOfEntity(kind: EntityKind, input: Named, context: AwsContext): Ask {
  const { accountId, project } = context.caller;
  const name = input[members[kind]] ?? "";
  const record = context.parts.space.get(kind, iamName(project, name));
  const { path, name: own } = record?.spec ?? { path: "/", name };
  return {
    action: `iam:${context.operation}`,
    resource: iamArn(kind, accountId, { path, name: own }),
  };
}

/** What must be allowed where no one entity is meant. */
export function askOfAll(context: AwsContext, what: string): Ask {
  return {
    action: `iam:${context.operation}`,
    resource: `arn:aws:iam::${context.caller.accountId}:${what}`,
  };
}

/** An operation that reads one entity. */
export function readingEntity<K extends EntityKind, Input extends Named, Output>(
  kind: K,
  run: (record: RecordOfKind<K>, input: Input, context: AwsContext) => Output,
): AwsOperation<Input, Output> {
  return {
    asks: (input, context) => askOfEntity(kind, input, context),
    run: (input, context) => run(entityIn(kind, input, context), input, context) as never,
  };
}

/** An operation that makes one entity another; answered once that is durable. */
export function changingEntity<K extends EntityKind, Input extends Named>(
  kind: K,
  change: (
    spec: RecordOfKind<K>["spec"],
    input: Input,
    context: AwsContext,
    tx: Transaction,
  ) => RecordOfKind<K>["spec"],
): AwsOperation<Input, object> {
  return {
    asks: (input, context) => askOfEntity(kind, input, context),
    async run(input, context) {
      await context.parts.space.commit((tx) => {
        const record: AnyRecord = entityIn(kind, input, context, tx);
        const spec = change(record.spec as RecordOfKind<K>["spec"], input, context, tx);
        tx.put({ ...record, spec } as never);
      }).durable;
      return {};
    },
  };
}
