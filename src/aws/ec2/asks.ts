import type { Tag, TagSpecification } from "@aws-sdk/client-ec2";
import type { Ask, AwsContext } from "../call.ts";
import { arnOf, conditionsOf, type Conditions } from "./resource-conditions.ts";
import { typeOfId } from "./taggable.ts";

/** By what the id says that it is of. */
function ec2Arn(id: string, context: AwsContext): string {
  const kind = id.startsWith("eni-") ? "network-interface" : (typeOfId(id) ?? "*");
  return arnOf(kind, id, context);
}

/** What must be allowed to do something to each of some things; their tags and what they are, are conditions. */
export function askOf(action: string, ids: readonly string[], context: AwsContext): Ask[] {
  return ids.map((id) => ({
    action: `ec2:${action}`,
    resource: ec2Arn(id, context),
    conditions: conditionsOf(id, context),
  }));
}

/**
 * What must be allowed to make something new of a kind, as its ARN has it; giving it tags at once is to be allowed beside, as
 * AWS asks for it. `facts` are conditions on what it will be.
 */
export function askToMake(
  action: string,
  kind: string,
  context: AwsContext,
  specifications: readonly TagSpecification[] = [],
  facts: Conditions = {},
): Ask[] {
  const resource = arnOf(kind, "*", context);
  const tags = specifications.flatMap(({ ResourceType, Tags = [] }) =>
    ResourceType === kind ? Tags : [],
  );
  const conditions = { "ec2:Region": context.parts.region, ...facts, ...requestTags(tags) };
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
