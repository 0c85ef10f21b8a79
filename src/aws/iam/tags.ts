import type { Tag } from "@aws-sdk/client-iam";
import type { AwsOperation } from "../call.ts";
import { changingEntity, readingEntity, type Named } from "./entities.ts";
import { pageOf, type Paging } from "./pages.ts";
import { changingPolicy, readingPolicy, type NamedPolicy } from "./policy-in.ts";
import { mergedTags, tagList, tagsIn, withoutTags } from "./tag-list.ts";

type Tags = Readonly<Record<string, string>> | undefined;
type Tagging = Named & NamedPolicy & { Tags: Tag[] | undefined };
type Untagging = Named & NamedPolicy & { TagKeys: string[] | undefined };
type Listing = Named & NamedPolicy & Paging;

const tagged = <Spec extends { tags?: Tags }>(spec: Spec, { Tags }: Tagging): Spec => ({
  ...spec,
  tags: mergedTags(spec.tags, tagsIn(Tags)),
});
const untagged = <Spec extends { tags?: Tags }>(spec: Spec, { TagKeys }: Untagging): Spec => ({
  ...spec,
  tags: withoutTags(spec.tags, TagKeys),
});
const listed = ({ spec }: { spec: { tags?: Tags } }, input: Listing) => {
  const { items, ...page } = pageOf(tagList(spec.tags), ({ Key }) => Key!, input);
  return { Tags: items, ...page };
};

export const tagUser = changingEntity<"iam-user", Tagging>("iam-user", tagged);
export const tagRole = changingEntity<"iam-role", Tagging>("iam-role", tagged);
export const tagPolicy = changingPolicy<Tagging>(tagged);
export const untagUser = changingEntity<"iam-user", Untagging>("iam-user", untagged);
export const untagRole = changingEntity<"iam-role", Untagging>("iam-role", untagged);
export const untagPolicy = changingPolicy<Untagging>(untagged);
export const listUserTags: AwsOperation<Listing, object> = readingEntity("iam-user", listed);
export const listRoleTags: AwsOperation<Listing, object> = readingEntity("iam-role", listed);
export const listPolicyTags: AwsOperation<Listing, object> = readingPolicy(listed);
