import type {
  CreatePolicyVersionCommandInput,
  CreatePolicyVersionCommandOutput,
  DeletePolicyVersionCommandInput,
  GetPolicyVersionCommandInput,
  GetPolicyVersionCommandOutput,
  ListPolicyVersionsCommandInput,
  ListPolicyVersionsCommandOutput,
  SetDefaultPolicyVersionCommandInput,
} from "@aws-sdk/client-iam";
import { managedDocument } from "#/access/identities/managed-policies.ts";
import type { IamPolicySpec } from "#/model/iam.ts";
import type { AwsOperation } from "../call.ts";
import { checkDocument, deleteConflict, limitExceeded, noSuchEntity } from "./errors.ts";
import { documentCharactersMax } from "./managed-policies.ts";
import { pageOf } from "./pages.ts";
import { askOfPolicy, changingPolicy, policyIn } from "./policy-in.ts";
import { encodedDocument } from "./views.ts";

const versionsMax = 5;

export const createPolicyVersion: AwsOperation<
  CreatePolicyVersionCommandInput,
  CreatePolicyVersionCommandOutput
> = {
  asks: askOfPolicy,
  async run(input, context) {
    const { space, clock } = context.parts;
    const { PolicyDocument: document = "", SetAsDefault = false } = input;
    checkDocument(document, "identity", "PolicySize", documentCharactersMax);
    const createdAt = clock.now();
    const committed = space.commit((tx) => {
      const record = policyIn(input, context, tx);
      const { spec } = record;
      if (spec.versions.length >= versionsMax)
        throw limitExceeded("PolicyVersionsPerPolicy", versionsMax);
      const id = `v${spec.versionsMade + 1}`;
      tx.put({
        ...record,
        spec: {
          ...spec,
          versions: [...spec.versions, { id, document, createdAt }],
          versionsMade: spec.versionsMade + 1,
          updatedAt: createdAt,
          ...(SetAsDefault && { defaultVersion: id }),
        },
      });
      return id;
    });
    await committed.durable;
    return {
      PolicyVersion: {
        VersionId: committed.value,
        IsDefaultVersion: SetAsDefault,
        CreateDate: new Date(createdAt),
      },
    };
  },
};

export const getPolicyVersion: AwsOperation<
  GetPolicyVersionCommandInput,
  GetPolicyVersionCommandOutput
> = {
  asks: askOfPolicy,
  run(input, context) {
    const { PolicyArn = "", VersionId = "" } = input;
    const managed = managedDocument(PolicyArn);
    if (managed !== undefined && VersionId === "v1")
      return {
        PolicyVersion: {
          Document: encodedDocument(managed),
          VersionId,
          IsDefaultVersion: true,
          CreateDate: new Date(0),
        },
      };
    if (PolicyArn.startsWith("arn:aws:iam::aws:policy/")) throw noVersion(PolicyArn, VersionId);
    const { spec } = policyIn(input, context);
    const { document, createdAt } = versionOf(spec, VersionId, PolicyArn);
    return {
      PolicyVersion: {
        Document: encodedDocument(document),
        VersionId,
        IsDefaultVersion: spec.defaultVersion === VersionId,
        CreateDate: new Date(createdAt),
      },
    };
  },
};

export const listPolicyVersions: AwsOperation<
  ListPolicyVersionsCommandInput,
  ListPolicyVersionsCommandOutput
> = {
  asks: askOfPolicy,
  run(input, context) {
    if (managedDocument(input.PolicyArn ?? "") !== undefined)
      return {
        Versions: [{ VersionId: "v1", IsDefaultVersion: true, CreateDate: new Date(0) }],
        IsTruncated: false,
      };
    const { spec } = policyIn(input, context);
    // The newest first, as AWS lists them.
    const keyOf = ({ id }: { id: string }) => String(1e9 - Number(id.slice(1)));
    const { items, ...page } = pageOf(spec.versions, keyOf, input);
    return {
      Versions: items.map(({ id, createdAt }) => ({
        VersionId: id,
        IsDefaultVersion: id === spec.defaultVersion,
        CreateDate: new Date(createdAt),
      })),
      ...page,
    };
  },
};

export const setDefaultPolicyVersion = changingPolicy<SetDefaultPolicyVersionCommandInput>(
  (spec, { VersionId = "", PolicyArn = "" }, { parts }) => {
    versionOf(spec, VersionId, PolicyArn);
    return { ...spec, defaultVersion: VersionId, updatedAt: parts.clock.now() };
  },
);

export const deletePolicyVersion = changingPolicy<DeletePolicyVersionCommandInput>(
  (spec, { VersionId = "", PolicyArn = "" }) => {
    versionOf(spec, VersionId, PolicyArn);
    if (spec.defaultVersion === VersionId)
      throw deleteConflict("Cannot delete the default version of a policy.");
    return { ...spec, versions: spec.versions.filter(({ id }) => id !== VersionId) };
  },
);

function versionOf(
  spec: IamPolicySpec,
  id: string,
  arn: string,
): IamPolicySpec["versions"][number] {
  const version = spec.versions.find((one) => one.id === id);
  if (version) return version;
  throw noVersion(arn, id);
}

const noVersion = (arn: string, id: string) =>
  noSuchEntity(`Policy ${arn} version ${id} does not exist or is not attachable.`);
