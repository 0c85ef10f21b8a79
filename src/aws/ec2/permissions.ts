import { AwsError } from "#/model/aws-error.ts";

/** Who may use an image or a snapshot beside its owner. */
export interface Sharing {
  isPublic: boolean;
  sharedWith: readonly string[];
}

interface Item {
  Group?: string | undefined;
  UserId?: string | undefined;
}

export interface SharingAsked {
  /** One by one, as newer clients say it. */
  changes?: { Add?: Item[] | undefined; Remove?: Item[] | undefined } | undefined;
  /** And as older ones do. */
  OperationType?: string | undefined;
  UserIds?: readonly string[] | undefined;
  GroupNames?: readonly string[] | undefined;
}

const accountsMax = 1000;

/** Who may use it after a change. Throws "InvalidParameterValue", "InvalidUserID.Malformed", "ResourceLimitExceeded". */
export function sharingAfter(before: Sharing, asked: SharingAsked): Sharing {
  const { changes = {}, OperationType, UserIds = [], GroupNames = [] } = asked;
  const named: Item[] = [
    ...UserIds.map((UserId) => ({ UserId })),
    ...GroupNames.map((Group) => ({ Group })),
  ];
  if (named.length > 0 && OperationType !== "add" && OperationType !== "remove")
    throw new AwsError("InvalidParameterValue", 400, "OperationType must be 'add' or 'remove'.");
  const isRemoval = OperationType === "remove";
  const added = [...(changes.Add ?? []), ...(isRemoval ? [] : named)];
  const removed = [...(changes.Remove ?? []), ...(isRemoval ? named : [])];
  for (const item of [...added, ...removed]) requireItem(item);
  const accounts = new Set([...before.sharedWith, ...usersOf(added)]);
  for (const user of usersOf(removed)) accounts.delete(user);
  if (accounts.size > accountsMax)
    throw new AwsError(
      "ResourceLimitExceeded",
      400,
      `It can be shared with at most ${accountsMax} accounts.`,
    );
  const isPublic =
    !removed.some(({ Group }) => Group === "all") &&
    (before.isPublic || added.some(({ Group }) => Group === "all"));
  return { isPublic, sharedWith: [...accounts] };
}

const usersOf = (items: readonly Item[]) => items.flatMap(({ UserId }) => UserId ?? []);

function requireItem({ Group, UserId }: Item): void {
  if (Group !== undefined && Group !== "all")
    throw new AwsError("InvalidParameterValue", 400, "The only group is 'all'.");
  if (UserId !== undefined && !/^\d{12}$/.test(UserId))
    throw new AwsError("InvalidUserID.Malformed", 400, `Invalid user id: "${UserId.slice(0, 50)}"`);
  if (Group === undefined && UserId === undefined)
    throw new AwsError("MissingParameter", 400, "The request must contain a user or a group");
}

/** As EC2 lists it. */
export function permissionsView({
  isPublic = false,
  sharedWith = [],
}: {
  isPublic?: boolean;
  sharedWith?: readonly string[];
}): ({ Group: "all" } | { UserId: string })[] {
  return [
    ...(isPublic ? [{ Group: "all" as const }] : []),
    ...sharedWith.map((UserId) => ({ UserId })),
  ];
}
