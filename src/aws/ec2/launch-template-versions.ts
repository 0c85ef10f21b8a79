import type {
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionCommandOutput,
  DeleteLaunchTemplateVersionsCommandInput,
  DeleteLaunchTemplateVersionsCommandOutput,
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsCommandOutput,
  LaunchTemplateVersion as VersionView,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { LaunchTemplateRecord, LaunchTemplateVersion } from "#/model/launch-template.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf, askOfAll } from "./asks.ts";
import { templateOf, versionOf } from "./launch-template-of.ts";
import { dataText } from "./launch-templates.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";

const versionsMax = 100;

/** A version on top of another where one is named. */
export const createLaunchTemplateVersion: AwsOperation<
  CreateLaunchTemplateVersionCommandInput,
  CreateLaunchTemplateVersionCommandOutput
> = {
  asks: ({ LaunchTemplateId = "lt-*" }, context) =>
    askOf("CreateLaunchTemplateVersion", [LaunchTemplateId], context),
  run({ SourceVersion, VersionDescription = "", LaunchTemplateData, ...named }, context) {
    const record = templateOf(named, context);
    const { spec } = record;
    if (spec.versions.length >= versionsMax)
      throw new AwsError(
        "VersionLimitExceeded",
        400,
        `A launch template has at most ${versionsMax} versions here: delete some.`,
      );
    const base: object =
      SourceVersion === undefined ? {} : JSON.parse(versionOf(record, SourceVersion).data);
    const version = {
      number: spec.latestVersion + 1,
      createdAt: context.parts.clock.now(),
      description: VersionDescription,
      data: dataText({ ...base, ...LaunchTemplateData }),
    };
    const changed = context.parts.space.commit((tx) =>
      tx.put<"launch-template">({
        ...record,
        spec: {
          ...spec,
          versions: [...spec.versions, version],
          latestVersion: version.number,
        },
      }),
    ).value;
    return { LaunchTemplateVersion: versionView(changed, version, context) };
  },
};

/** Of one template; or the newest, or default ones, of all. */
export const describeLaunchTemplateVersions: AwsOperation<
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsCommandOutput
> = {
  asks: () => askOfAll("DescribeLaunchTemplateVersions"),
  run({ Versions = [], MinVersion, MaxVersion, ...input }, context) {
    const { LaunchTemplateId, LaunchTemplateName, ...asked } = input;
    const isOne = LaunchTemplateId !== undefined || LaunchTemplateName !== undefined;
    const records = isOne ? [templateOf(input, context)] : ownAll("launch-template", context);
    const [min, max] = [Number(MinVersion ?? 1), Number(MaxVersion ?? Infinity)];
    const found = records.flatMap((record) =>
      (Versions.length > 0
        ? Versions.map((version) => versionOf(record, version))
        : record.spec.versions.filter(({ number }) => number >= min && number <= max)
      ).map((version) => ({ serial: record.serial, record, version })),
    );
    const { items, more } = listed(asked, {
      all: () => found,
      find: () => [],
      facts: {
        "is-default-version": ({ record, version }) =>
          String(record.spec.defaultVersion === version.number),
        "image-id": ({ version }) => dataOf(version).ImageId,
        "instance-type": ({ version }) => dataOf(version).InstanceType,
        "create-time": ({ version }) => new Date(version.createdAt).toISOString(),
      },
      orderOf: ({ record, version }) =>
        `${String(record.serial).padStart(16, "0")} ${String(1e9 - version.number).padStart(10, "0")}`,
      pageMin: 1,
      pageMax: 200,
    });
    return {
      LaunchTemplateVersions: items.map(({ record, version }) =>
        versionView(record, version, context),
      ),
      ...more,
    };
  },
};

/** The default one stays. */
export const deleteLaunchTemplateVersions: AwsOperation<
  DeleteLaunchTemplateVersionsCommandInput,
  DeleteLaunchTemplateVersionsCommandOutput
> = {
  asks: ({ LaunchTemplateId = "lt-*" }, context) =>
    askOf("DeleteLaunchTemplateVersions", [LaunchTemplateId], context),
  run({ Versions = [], ...named }, context) {
    const record = templateOf(named, context);
    const { spec, name } = record;
    const about = { LaunchTemplateId: name, LaunchTemplateName: spec.title };
    const asked = [...new Set(Versions.map(Number))];
    const isThere = (number: number) => spec.versions.some((version) => version.number === number);
    const goes = (number: number) => isThere(number) && number !== spec.defaultVersion;
    const versions = spec.versions.filter(({ number }) => !asked.includes(number) || !goes(number));
    context.parts.space.commit((tx) =>
      tx.put<"launch-template">({ ...record, spec: { ...spec, versions } }),
    );
    return {
      SuccessfullyDeletedLaunchTemplateVersions: asked
        .filter(goes)
        .map((VersionNumber) => ({ ...about, VersionNumber })),
      UnsuccessfullyDeletedLaunchTemplateVersions: asked
        .filter((number) => !goes(number))
        .map((VersionNumber) => ({
          ...about,
          VersionNumber,
          ResponseError: {
            Code: isThere(VersionNumber) ? "unexpectedError" : "launchTemplateVersionDoesNotExist",
            Message: isThere(VersionNumber)
              ? "The default version cannot be deleted."
              : "There is no such version.",
          },
        })),
    };
  },
};

const dataOf = ({ data }: LaunchTemplateVersion) =>
  JSON.parse(data) as NonNullable<VersionView["LaunchTemplateData"]>;

function versionView(
  { name, spec }: LaunchTemplateRecord,
  version: LaunchTemplateVersion,
  { caller }: AwsContext,
): VersionView {
  return {
    LaunchTemplateId: name,
    LaunchTemplateName: spec.title,
    VersionNumber: version.number,
    VersionDescription: version.description,
    CreateTime: new Date(version.createdAt),
    CreatedBy: `arn:aws:iam::${caller.accountId}:root`,
    DefaultVersion: spec.defaultVersion === version.number,
    LaunchTemplateData: dataOf(version),
  };
}
