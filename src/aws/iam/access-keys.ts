import type {
  CreateAccessKeyCommandInput,
  CreateAccessKeyCommandOutput,
  DeleteAccessKeyCommandInput,
  GetAccessKeyLastUsedCommandInput,
  GetAccessKeyLastUsedCommandOutput,
  ListAccessKeysCommandInput,
  ListAccessKeysCommandOutput,
  UpdateAccessKeyCommandInput,
} from "@aws-sdk/client-iam";
import type { AccessKeyRecord } from "#/model/access-key.ts";
import type { Transaction } from "#/space/space.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfEntity, entityIn } from "./entities.ts";
import { limitExceeded, noSuchEntity, validationError } from "./errors.ts";
import { pageOf } from "./pages.ts";
import { ownName } from "./users.ts";

const keysMax = 2;

/** Keys of a user of the caller's account; of the account itself for "". */
export function keysOf({ parts, caller }: AwsContext, user: string): AccessKeyRecord[] {
  return [...parts.space.all("access-key")].filter(
    ({ project, spec }) =>
      project === caller.project && (spec.user ?? "").toLowerCase() === user.toLowerCase(),
  );
}

const askOfUser = (input: { UserName?: string | undefined }, context: AwsContext) =>
  askOfEntity("iam-user", ownName(input, context), context);

export const createAccessKey: AwsOperation<
  CreateAccessKeyCommandInput,
  CreateAccessKeyCommandOutput
> = {
  asks: askOfUser,
  async run(input, context) {
    const { parts, caller } = context;
    const named = ownName(input, context);
    const committed = parts.space.commit((tx) => {
      const user = named.UserName === "" ? "" : entityIn("iam-user", named, context, tx).spec.name;
      if (keysOf(context, user).length >= keysMax)
        throw limitExceeded("AccessKeysPerUser", keysMax);
      const { project } = caller;
      const made = parts.identities.makeAccessKey(tx, { project, ...(user !== "" && { user }) });
      return { ...made, user };
    });
    await committed.durable;
    const { record, secret, user } = committed.value;
    return {
      AccessKey: {
        UserName: user,
        AccessKeyId: record.name,
        Status: "Active",
        SecretAccessKey: secret,
        CreateDate: new Date(record.spec.createdAt),
      },
    };
  },
};

export const listAccessKeys: AwsOperation<ListAccessKeysCommandInput, ListAccessKeysCommandOutput> =
  {
    asks: askOfUser,
    run(input, context) {
      const named = ownName(input, context);
      const user = named.UserName === "" ? "" : entityIn("iam-user", named, context).spec.name;
      const { items, ...page } = pageOf(keysOf(context, user), ({ name }) => name, input);
      return {
        AccessKeyMetadata: items.map(({ name, spec }) => ({
          ...(user !== "" && { UserName: user }),
          AccessKeyId: name,
          Status: spec.isActive ? "Active" : "Inactive",
          CreateDate: new Date(spec.createdAt),
        })),
        ...page,
      };
    },
  };

export const updateAccessKey: AwsOperation<UpdateAccessKeyCommandInput, object> = {
  asks: askOfUser,
  async run(input, context) {
    const { Status: status } = input;
    if (status !== "Active" && status !== "Inactive")
      throw validationError(`Status must be Active or Inactive: current value is ${status}`);
    await context.parts.space.commit((tx) => {
      const record = keyIn(input, context, tx);
      tx.put({ ...record, spec: { ...record.spec, isActive: status === "Active" } });
    }).durable;
    return {};
  },
};

export const deleteAccessKey: AwsOperation<DeleteAccessKeyCommandInput, object> = {
  asks: askOfUser,
  async run(input, context) {
    await context.parts.space.commit((tx) =>
      tx.delete("access-key", keyIn(input, context, tx).name),
    ).durable;
    return {};
  },
};

export const getAccessKeyLastUsed: AwsOperation<
  GetAccessKeyLastUsedCommandInput,
  GetAccessKeyLastUsedCommandOutput
> = {
  asks: ({ AccessKeyId = "" }, context) => {
    const { spec } = ownKey(AccessKeyId, context) ?? {};
    return askOfEntity("iam-user", { UserName: spec?.user ?? "" }, context);
  },
  run({ AccessKeyId = "" }, context) {
    const record = ownKey(AccessKeyId, context);
    if (!record) throw noKey(AccessKeyId);
    const used = context.parts.identities.lastUsed(AccessKeyId);
    return {
      UserName: record.spec.user,
      AccessKeyLastUsed: {
        LastUsedDate: used && new Date(used.at),
        ServiceName: used?.service ?? "N/A",
        Region: used ? context.parts.region : "N/A",
      },
    };
  },
};

function ownKey(
  id: string,
  { parts, caller }: AwsContext,
  from: Pick<Transaction, "get"> = parts.space,
): AccessKeyRecord | undefined {
  const record = from.get("access-key", id);
  return record?.project === caller.project ? record : undefined;
}

/** The key that an input names, of the user that it names. */
function keyIn(
  input: { AccessKeyId: string | undefined; UserName?: string | undefined },
  context: AwsContext,
  tx: Transaction,
): AccessKeyRecord {
  const { AccessKeyId = "" } = input;
  const { UserName: user } = ownName(input, context);
  const record = ownKey(AccessKeyId, context, tx);
  if (!record || (record.spec.user ?? "").toLowerCase() !== user.toLowerCase())
    throw noKey(AccessKeyId);
  return record;
}

const noKey = (id: string) => noSuchEntity(`The Access Key with id ${id} cannot be found.`);
