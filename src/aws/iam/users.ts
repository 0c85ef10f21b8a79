import type {
  CreateUserCommandInput,
  CreateUserCommandOutput,
  GetUserCommandInput,
  GetUserCommandOutput,
  ListUsersCommandInput,
  ListUsersCommandOutput,
} from "@aws-sdk/client-iam";
import { newAccessKeyId } from "#/access/identities/new-ids.ts";
import { iamArn, iamName, type IamUserSpec } from "#/model/iam.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll, askOfEntity, entityIn } from "./entities.ts";
import { alreadyExists, limitExceeded, validationError } from "./errors.ts";
import { checkManaged } from "./attached-policies.ts";
import { checkedName, checkedPath } from "./names.ts";
import { pageOf } from "./pages.ts";
import { tagsIn } from "./tag-list.ts";
import { userView } from "./views.ts";

const usersMax = 5000;

export const createUser: AwsOperation<CreateUserCommandInput, CreateUserCommandOutput> = {
  asks: ({ UserName = "", Path = "/" }, { caller: { accountId } }) => ({
    action: "iam:CreateUser",
    resource: iamArn("iam-user", accountId, { path: Path, name: UserName }),
  }),
  async run(input, context) {
    const { parts, caller } = context;
    const name = checkedName(input.UserName!, "userName", 64);
    const tags = tagsIn(input.Tags);
    const boundary = input.PermissionsBoundary;
    if (boundary !== undefined) checkManaged(boundary, context);
    const spec: IamUserSpec = {
      id: newAccessKeyId("AIDA", parts.random),
      name,
      path: checkedPath(input.Path),
      createdAt: parts.clock.now(),
      inline: {},
      attached: [],
      groups: [],
      ...(boundary !== undefined && { boundary }),
      ...(tags && { tags }),
    };
    await parts.space.commit((tx) => {
      const record = iamName(caller.project, name);
      if (tx.get("iam-user", record)) throw alreadyExists(`User with name ${name} already exists.`);
      if (parts.space.count("iam-user", caller.project) >= usersMax)
        throw limitExceeded("UsersPerAccount", usersMax);
      tx.put<"iam-user">({
        kind: "iam-user",
        project: caller.project,
        name: record,
        spec,
        status: {},
      });
    }).durable;
    return { User: userView(spec, context) };
  },
};

/** Without a name: who asks. */
export const getUser: AwsOperation<GetUserCommandInput, GetUserCommandOutput> = {
  asks: (input, context) => askOfEntity("iam-user", ownName(input, context), context),
  run(input, context) {
    const { caller, parts } = context;
    if (input.UserName === undefined && caller.kind === "account") {
      const createdAt = parts.space.get("project", caller.project)!.spec.createdAt;
      const root = { UserId: caller.userId, Arn: caller.arn, CreateDate: new Date(createdAt) };
      return { User: { ...root, UserName: undefined, Path: undefined } };
    }
    return { User: userView(entityIn("iam-user", ownName(input, context), context).spec, context) };
  },
};

/** The user that asks, where none is named. Throws "ValidationError" where who asks is none. */
export function ownName<Input extends { UserName?: string | undefined }>(
  input: Input,
  { caller }: AwsContext,
): Input & { UserName: string } {
  if (input.UserName === "") throw validationError("The specified value for userName is invalid.");
  const own = caller.kind === "user" && caller.name !== "" ? caller.name : undefined;
  const { UserName = own } = input;
  if (UserName !== undefined) return { ...input, UserName };
  if (caller.kind === "account") return { ...input, UserName: "" };
  throw validationError("Must specify userName when calling with non-User credentials");
}

export const listUsers: AwsOperation<ListUsersCommandInput, ListUsersCommandOutput> = {
  asks: (_input, context) => askOfAll(context, "user/"),
  run(input, context) {
    const { parts, caller } = context;
    const all = [...parts.space.list("iam-user", caller.project)].filter(({ spec }) =>
      spec.path.startsWith(input.PathPrefix ?? "/"),
    );
    const { items, ...page } = pageOf(all, ({ name }) => name, input);
    return { Users: items.map(({ spec }) => userView({ ...spec, tags: {} }, context)), ...page };
  },
};
