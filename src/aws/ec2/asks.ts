import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import type { Ask, AwsContext } from "../call.ts";
import { taggedIfThere, typeOfId } from "./taggable.ts";

/** "arn:aws:ec2:us-east-1:123456789012:instance/i-0…"; that of an image and a snapshot names no account. */
export function ec2Arn(id: string, { parts, caller }: AwsContext): string {
  const kind = id.startsWith("eni-") ? "network-interface" : (typeOfId(id) ?? "*");
  const account = kind === "image" || kind === "snapshot" ? "" : caller.accountId;
  return `arn:aws:ec2:${parts.region}:${account}:${kind}/${id}`;
}

/** What must be allowed to do something to each of some things; their tags are conditions. */
export function askOf(action: string, ids: readonly string[], context: AwsContext): Ask[] {
  return ids.map((id) => ({
    action: `ec2:${action}`,
    resource: ec2Arn(id, context),
    conditions: tagConditions(id, context),
  }));
}

/**
 * What must be allowed to make something new of a kind, as its ARN has it; giving it tags at once is to be allowed beside, as
 * AWS asks for it.
 */
export function askToMake(
  action: string,
  kind: string,
  context: AwsContext,
  specifications: readonly TagSpecification[] = [],
): Ask[] {
  const { region } = context.parts;
  const resource = `arn:aws:ec2:${region}:${context.caller.accountId}:${kind}/*`;
  const tags = specifications.flatMap(({ Tags = [] }) => Tags);
  const conditions = requestTags(tags);
  const make = { action: `ec2:${action}`, resource, conditions };
  if (tags.length === 0) return [make];
  const tagging = { ...conditions, "ec2:CreateAction": action };
  return [make, { action: "ec2:CreateTags", resource, conditions: tagging }];
}

/** What a policy sees of tags that are given. */
export function requestTags(tags: readonly Tag[]): Record<string, string | string[]> {
  return {
    ...Object.fromEntries(tags.map(({ Key = "", Value = "" }) => [`aws:RequestTag/${Key}`, Value])),
    ...(tags.length > 0 && { "aws:TagKeys": tags.map(({ Key = "" }) => Key) }),
  };
}

/** What concerns no single thing: all descriptions, and what makes something new. */
export const askOfAll = (action: string): Ask => ({ action: `ec2:${action}`, resource: "*" });

/** By both names that policies have for them. */
function tagConditions(id: string, context: AwsContext): Record<string, string> {
  const tags = Object.entries(taggedIfThere(id, context)?.spec.tags ?? {});
  return Object.fromEntries(
    tags.flatMap(([name, value]) => [
      [`ec2:ResourceTag/${name}`, value],
      [`aws:ResourceTag/${name}`, value],
    ]),
  );
}
