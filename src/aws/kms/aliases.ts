import type {
  CreateAliasCommandInput,
  DeleteAliasCommandInput,
  ListAliasesCommandInput,
  ListAliasesCommandOutput,
  UpdateAliasCommandInput,
} from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import { kmsAliasRecordName } from "#/model/kms.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { askOfKey, keyIn, requireStaying } from "./key-in.ts";
import { pageOf } from "./paging.ts";

const aliasArn = (name: string, { caller, parts }: AwsContext) =>
  `arn:aws:kms:${parts.region}:${caller.accountId}:${name}`;

const askOfAlias = (name: string, context: AwsContext): Ask => ({
  action: `kms:${context.operation}`,
  resource: aliasArn(name, context),
});

/** Throws "InvalidAliasNameException" and "ValidationException". */
function checkedAlias(name: string): string {
  if (!name.startsWith("alias/") || name === "alias/")
    throw new AwsError(
      "ValidationException",
      400,
      'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html',
    );
  if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(name) || name.length > 256)
    throw new AwsError(
      "ValidationException",
      400,
      `The alias ${name} must have letters, digits, /, _ and - only`,
    );
  if (name.startsWith("alias/aws/"))
    throw new AwsError(
      "NotAuthorizedException",
      400,
      "Aliases that begin with alias/aws/ are AWS's own",
    );
  return name;
}

export const createAlias: AwsOperation<CreateAliasCommandInput, object> = {
  asks: (input, context) => [
    askOfAlias(input.AliasName ?? "", context),
    askOfKey(keyIn({ KeyId: input.TargetKeyId }, context), context),
  ],
  async run(input, context) {
    const { parts, caller } = context;
    const alias = checkedAlias(input.AliasName!);
    const now = parts.clock.now();
    await parts.space.commit((tx) => {
      const record = ownKey(input.TargetKeyId, context);
      requireStaying(record, context);
      parts.kms.removeGone(tx);
      const name = kmsAliasRecordName(caller.project, alias.slice("alias/".length));
      if (tx.get("kms-alias", name))
        throw new AwsError(
          "AlreadyExistsException",
          400,
          `An alias with the name ${aliasArn(alias, context)} already exists`,
        );
      tx.put<"kms-alias">({
        kind: "kms-alias",
        project: caller.project,
        name,
        spec: {
          name: alias.slice("alias/".length),
          keyId: record.spec.id,
          createdAt: now,
          updatedAt: now,
        },
        status: {},
      });
    }).durable;
    return {};
  },
};

export const updateAlias: AwsOperation<UpdateAliasCommandInput, object> = {
  asks: (input, context) => [
    askOfAlias(input.AliasName ?? "", context),
    askOfKey(keyIn({ KeyId: input.TargetKeyId }, context), context),
  ],
  async run(input, context) {
    const { parts } = context;
    const alias = checkedAlias(input.AliasName!);
    await parts.space.commit((tx) => {
      const known = aliasIn(alias, context);
      const key = ownKey(input.TargetKeyId, context);
      requireStaying(key, context);
      const updatedAt = parts.clock.now();
      tx.put({ ...known, spec: { ...known.spec, keyId: key.spec.id, updatedAt } });
    }).durable;
    return {};
  },
};

export const deleteAlias: AwsOperation<DeleteAliasCommandInput, object> = {
  asks: ({ AliasName = "" }, context) => askOfAlias(AliasName, context),
  async run({ AliasName = "" }, context) {
    const alias = checkedAlias(AliasName);
    await context.parts.space.commit((tx) => tx.delete("kms-alias", aliasIn(alias, context).name))
      .durable;
    return {};
  },
};

export const listAliases: AwsOperation<ListAliasesCommandInput, ListAliasesCommandOutput> = {
  asks: () => ({ action: "kms:ListAliases", resource: "*" }),
  run(input, context) {
    const { parts, caller } = context;
    const keyId = input.KeyId === undefined ? undefined : keyIn(input, context).spec.id;
    const all = [...parts.space.list("kms-alias", caller.project)].filter(
      ({ spec }) => keyId === undefined || spec.keyId === keyId,
    );
    const { items, ...page } = pageOf(all, ({ spec }) => spec.name, input);
    return {
      Aliases: items.map(({ spec }) => ({
        AliasName: `alias/${spec.name}`,
        AliasArn: aliasArn(`alias/${spec.name}`, context),
        TargetKeyId: spec.keyId,
        CreationDate: new Date(spec.createdAt),
        LastUpdatedDate: new Date(spec.updatedAt),
      })),
      ...page,
    };
  },
};

function aliasIn(alias: string, context: AwsContext) {
  const known = context.parts.kms.alias(context.caller.project, alias);
  if (known) return known;
  throw new AwsError("NotFoundException", 400, `Alias ${aliasArn(alias, context)} is not found.`);
}

/** An alias names a key of its own account, by id or ARN. */
function ownKey(keyId: string | undefined, context: AwsContext) {
  if (keyId?.includes("alias/"))
    throw new AwsError("ValidationException", 400, "Aliases must refer to keys, not to aliases");
  const record = keyIn({ KeyId: keyId }, context);
  if (record.spec.accountId === context.caller.accountId) return record;
  throw new AwsError("NotFoundException", 400, `Key '${keyId}' does not exist`);
}
