import type { IamEntity } from "#/model/iam.ts";
import type { AwsOperation } from "../call.ts";
import { changingEntity, readingEntity, words, type EntityKind, type Named } from "./entities.ts";
import { checkDocument, limitExceeded, noSuchEntity } from "./errors.ts";
import { checkedName } from "./names.ts";
import { pageOf, type Paging } from "./pages.ts";
import { encodedDocument } from "./views.ts";

type OnPolicy = Named & { PolicyName: string | undefined };
type Putting = OnPolicy & { PolicyDocument: string | undefined };

/** Characters that the inline policies of one may have together. */
const charactersMax: Record<EntityKind, number> = {
  "iam-user": 2048,
  "iam-group": 5120,
  "iam-role": 10_240,
};

const put = (kind: EntityKind): AwsOperation<Putting, object> =>
  changingEntity<EntityKind, Putting>(kind, (spec, { PolicyName, PolicyDocument = "" }) => {
    const name = checkedName(PolicyName!, "policyName", 128);
    const max = charactersMax[kind];
    checkDocument(PolicyDocument, "identity", "PolicySize", max);
    const inline = { ...spec.inline, [name]: PolicyDocument };
    const together = Object.values(inline).join("").replaceAll(/\s/g, "").length;
    if (together > max) throw limitExceeded("PolicySize", max);
    return { ...spec, inline };
  });

const get = (kind: EntityKind) =>
  readingEntity(kind, ({ spec }, { PolicyName = "" }: OnPolicy) => {
    const document = Object.hasOwn(spec.inline, PolicyName) ? spec.inline[PolicyName] : undefined;
    if (document === undefined) throw noPolicy(kind, spec, PolicyName);
    const member = { "iam-user": "UserName", "iam-group": "GroupName", "iam-role": "RoleName" }[
      kind
    ];
    return { [member]: spec.name, PolicyName, PolicyDocument: encodedDocument(document) };
  });

const remove = (kind: EntityKind) =>
  changingEntity<EntityKind, OnPolicy>(kind, (spec, { PolicyName = "" }) => {
    if (!Object.hasOwn(spec.inline, PolicyName)) throw noPolicy(kind, spec, PolicyName);
    const { [PolicyName]: _gone, ...inline } = spec.inline;
    return { ...spec, inline };
  });

const list = (kind: EntityKind) =>
  readingEntity(kind, ({ spec }, input: Named & Paging) => {
    const { items, ...page } = pageOf(Object.keys(spec.inline), (name) => name, input);
    return { PolicyNames: items, ...page };
  });

const noPolicy = (kind: EntityKind, { name }: IamEntity, policy: string) =>
  noSuchEntity(`The ${words[kind]} policy with name ${policy} cannot be found on ${name}.`);

export const putUserPolicy = put("iam-user");
export const putGroupPolicy = put("iam-group");
export const putRolePolicy = put("iam-role");
export const getUserPolicy = get("iam-user");
export const getGroupPolicy = get("iam-group");
export const getRolePolicy = get("iam-role");
export const deleteUserPolicy = remove("iam-user");
export const deleteGroupPolicy = remove("iam-group");
export const deleteRolePolicy = remove("iam-role");
export const listUserPolicies = list("iam-user");
export const listGroupPolicies = list("iam-group");
export const listRolePolicies = list("iam-role");
