import type {
  CreateLaunchTemplateCommandInput,
  CreateLaunchTemplateCommandOutput,
  DeleteLaunchTemplateCommandInput,
  DeleteLaunchTemplateCommandOutput,
  DescribeLaunchTemplatesCommandInput,
  DescribeLaunchTemplatesCommandOutput,
  LaunchTemplate,
  ModifyLaunchTemplateCommandInput,
  ModifyLaunchTemplateCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { LaunchTemplateRecord } from "#/model/launch-template.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll, askToMake } from "./asks.ts";
import { clientTokenOf } from "./client-token.ts";
import { tagFacts } from "./filters.ts";
import { templateOf, versionOf } from "./launch-template-of.ts";
import { listed } from "./listing.ts";
import { own, ownAll } from "./own.ts";
import { tagList, tagsFor } from "./tag-list.ts";

const dataBytesMax = 64 * 1024;
/** More than other calls may have. */
const tokenCharactersMax = 128;

/** What a version keeps. Throws "InvalidParameterValue" for more than 64 KiB of it. */
export function dataText(data: object | undefined): string {
  const text = JSON.stringify(data ?? {});
  if (Buffer.byteLength(text) <= dataBytesMax) return text;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `A version of a launch template has at most ${dataBytesMax} bytes.`,
  );
}

export const createLaunchTemplate: AwsOperation<
  CreateLaunchTemplateCommandInput,
  CreateLaunchTemplateCommandOutput
> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CreateLaunchTemplate", "launch-template", context, TagSpecifications),
  run({ LaunchTemplateName: title = "", ...input }, context) {
    const { parts, caller } = context;
    if (!/^[a-zA-Z0-9().\-/_]{3,128}$/.test(title))
      throw new AwsError(
        "InvalidLaunchTemplateName.MalformedException",
        400,
        "Launch template names must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _.",
      );
    const { LaunchTemplateData, VersionDescription = "", TagSpecifications } = input;
    const clientToken = clientTokenOf(input, tokenCharactersMax);
    const data = dataText(LaunchTemplateData);
    const before = ownAll("launch-template", context).find(({ spec }) => spec.title === title);
    if (before) {
      const isSame =
        clientToken !== undefined &&
        before.spec.clientToken === clientToken &&
        before.spec.versions[0]?.data === data;
      if (isSame) return { LaunchTemplate: templateView(before, context) };
      throw new AwsError(
        "InvalidLaunchTemplateName.AlreadyExistsException",
        400,
        "Launch template name already in use.",
      );
    }
    const now = parts.clock.now();
    const { project } = caller;
    const spec = {
      title,
      createdAt: now,
      versions: [{ number: 1, createdAt: now, description: VersionDescription, data }],
      defaultVersion: 1,
      latestVersion: 1,
      tags: tagsFor("launch-template", TagSpecifications),
      ...(clientToken !== undefined && { clientToken }),
    };
    const name = resourceId("lt", parts.random);
    const made = parts.space.commit((tx) =>
      tx.put<"launch-template">({ kind: "launch-template", project, name, spec, status: {} }),
    ).value;
    return { LaunchTemplate: templateView(made, context) };
  },
};

export const describeLaunchTemplates: AwsOperation<
  DescribeLaunchTemplatesCommandInput,
  DescribeLaunchTemplatesCommandOutput
> = {
  asks: () => askOfAll("DescribeLaunchTemplates"),
  run({ LaunchTemplateIds, LaunchTemplateNames = [], ...asked }, context) {
    const named = LaunchTemplateNames.map((title) =>
      templateOf({ LaunchTemplateName: title }, context),
    );
    const { items, more } = listed(
      { ids: LaunchTemplateIds, ...asked },
      {
        all: () => (named.length > 0 ? named : ownAll("launch-template", context)),
        find: (ids) => own("launch-template", ids, context),
        facts: {
          "launch-template-name": ({ spec }) => spec.title,
          "create-time": ({ spec }) => new Date(spec.createdAt).toISOString(),
          ...tagFacts<LaunchTemplateRecord>(),
        },
        pageMin: 1,
        pageMax: 200,
      },
    );
    return { LaunchTemplates: items.map((record) => templateView(record, context)), ...more };
  },
};

/** Which version is meant where none is said. */
export const modifyLaunchTemplate: AwsOperation<
  ModifyLaunchTemplateCommandInput,
  ModifyLaunchTemplateCommandOutput
> = {
  asks: ({ LaunchTemplateId = "lt-*" }, context) =>
    askOf("ModifyLaunchTemplate", [LaunchTemplateId], context),
  run({ DefaultVersion, ...named }, context) {
    const record = templateOf(named, context);
    const defaultVersion = versionOf(record, DefaultVersion).number;
    const changed = context.parts.space.commit((tx) =>
      tx.put<"launch-template">({ ...record, spec: { ...record.spec, defaultVersion } }),
    ).value;
    return { LaunchTemplate: templateView(changed, context) };
  },
};

export const deleteLaunchTemplate: AwsOperation<
  DeleteLaunchTemplateCommandInput,
  DeleteLaunchTemplateCommandOutput
> = {
  asks: ({ LaunchTemplateId = "lt-*" }, context) =>
    askOf("DeleteLaunchTemplate", [LaunchTemplateId], context),
  run(named, context) {
    const record = templateOf(named, context);
    context.parts.space.commit((tx) => tx.delete("launch-template", record.name));
    return { LaunchTemplate: templateView(record, context) };
  },
};

function templateView(
  { name, spec }: LaunchTemplateRecord,
  { caller }: AwsContext,
): LaunchTemplate {
  return {
    LaunchTemplateId: name,
    LaunchTemplateName: spec.title,
    CreateTime: new Date(spec.createdAt),
    CreatedBy: `arn:aws:iam::${caller.accountId}:root`,
    DefaultVersionNumber: spec.defaultVersion,
    LatestVersionNumber: spec.latestVersion,
    Tags: tagList(spec.tags),
  };
}
