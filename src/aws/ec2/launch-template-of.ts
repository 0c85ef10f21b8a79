import type { LaunchTemplateSpecification, RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { LaunchTemplateRecord, LaunchTemplateVersion } from "#/model/launch-template.ts";
import type { AwsContext } from "../call.ts";
import { ownAll, ownOne } from "./own.ts";

/** By id or by name. Throws "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException". */
export function templateOf(
  { LaunchTemplateId: id, LaunchTemplateName: title }: LaunchTemplateSpecification,
  context: AwsContext,
): LaunchTemplateRecord {
  if (id !== undefined && title !== undefined)
    throw new AwsError(
      "InvalidParameterCombination",
      400,
      "The request must not contain both the id and the name of a launch template.",
    );
  if (title === undefined) return ownOne("launch-template", id, context);
  const found = ownAll("launch-template", context).find(({ spec }) => spec.title === title);
  if (found) return found;
  throw new AwsError(
    "InvalidLaunchTemplateName.NotFoundException",
    400,
    `At least one of the launch templates specified in the request does not exist: '${title.slice(0, 128)}'.`,
  );
}

/** A number, "$Latest" or "$Default". Throws "InvalidLaunchTemplateId.VersionNotFound". */
export function versionOf(
  { name, spec }: LaunchTemplateRecord,
  asked = "$Default",
): LaunchTemplateVersion {
  const number =
    asked === "$Latest"
      ? spec.latestVersion
      : asked === "$Default" || asked === ""
        ? spec.defaultVersion
        : Number(asked);
  const found = spec.versions.find((version) => version.number === number);
  if (found) return found;
  throw new AwsError(
    "InvalidLaunchTemplateId.VersionNotFound",
    400,
    `Could not find the specified version ${asked.slice(0, 20)} for the launch template with ID ${name}.`,
  );
}

/** What a call asks for, on top of what its template says. */
export function withTemplate(
  input: RunInstancesCommandInput,
  context: AwsContext,
): RunInstancesCommandInput {
  const { LaunchTemplate, ...asked } = input;
  if (!LaunchTemplate) return input;
  const version = versionOf(templateOf(LaunchTemplate, context), LaunchTemplate.Version);
  const said = Object.entries(asked).filter(([, value]) => value !== undefined);
  const template = JSON.parse(version.data) as Partial<RunInstancesCommandInput>;
  return { ...template, ...Object.fromEntries(said) } as RunInstancesCommandInput;
}
