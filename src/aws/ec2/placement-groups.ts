import type {
  CreatePlacementGroupCommandInput,
  CreatePlacementGroupCommandOutput,
  DeletePlacementGroupCommandInput,
  DeletePlacementGroupCommandOutput,
  DescribePlacementGroupsCommandInput,
  DescribePlacementGroupsCommandOutput,
  PlacementGroup,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import { placementGroupName, type PlacementGroupRecord } from "#/model/placement-group.ts";
import { resourceId } from "#/model/resource-id.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { askOfAll, askToMake } from "./asks.ts";
import { tagFacts } from "./filters.ts";
import { listed } from "./listing.ts";
import { ownAll } from "./own.ts";
import { tagList, tagsFor } from "./tag-list.ts";

const arnOf = (title: string, { parts, caller }: AwsContext) =>
  `arn:aws:ec2:${parts.region}:${caller.accountId}:placement-group/${title}`;

/** "spread" keeps instances on machines of their own, "cluster" on one. */
export const createPlacementGroup: AwsOperation<
  CreatePlacementGroupCommandInput,
  CreatePlacementGroupCommandOutput
> = {
  asks: ({ TagSpecifications }, context) =>
    askToMake("CreatePlacementGroup", "placement-group", context, TagSpecifications),
  run({ GroupName: title = "", Strategy = "cluster", TagSpecifications }, context) {
    const { parts, caller } = context;
    if (!/^[\x20-\x7e]{1,255}$/.test(title))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${title.slice(0, 100)}) for parameter groupName is invalid.`,
      );
    if (Strategy !== "cluster" && Strategy !== "spread")
      throw new AwsError(
        "UnsupportedOperation",
        400,
        `The strategy '${String(Strategy).slice(0, 50)}' is not to be had here: 'cluster' and 'spread' are.`,
      );
    const name = placementGroupName(caller.project, title);
    if (parts.space.get("placement-group", name))
      throw new AwsError(
        "InvalidPlacementGroup.Duplicate",
        400,
        `The Placement Group '${title}' already exists.`,
      );
    const spec = {
      id: resourceId("pg", parts.random),
      title,
      createdAt: parts.clock.now(),
      strategy: Strategy,
      tags: tagsFor("placement-group", TagSpecifications),
    };
    const { project } = caller;
    const made = parts.space.commit((tx) =>
      tx.put<"placement-group">({ kind: "placement-group", project, name, spec, status: {} }),
    ).value;
    return { PlacementGroup: groupView(made, context) };
  },
};

/** Throws "InvalidPlacementGroup.Unknown", also for that of another. */
export function placementGroup(
  title: string,
  { parts, caller }: Pick<AwsContext, "parts" | "caller">,
) {
  const found = parts.space.get("placement-group", placementGroupName(caller.project, title));
  if (found) return found;
  throw new AwsError(
    "InvalidPlacementGroup.Unknown",
    400,
    `The Placement Group '${title.slice(0, 255)}' is unknown.`,
  );
}

export const deletePlacementGroup: AwsOperation<
  DeletePlacementGroupCommandInput,
  DeletePlacementGroupCommandOutput
> = {
  asks: ({ GroupName = "" }, context): Ask => ({
    action: "ec2:DeletePlacementGroup",
    resource: arnOf(GroupName, context),
  }),
  run({ GroupName = "" }, context) {
    const { name, spec } = placementGroup(GroupName, context);
    const isUsed = ownAll("instance", context).some(
      (one) => one.status.state !== "terminated" && one.spec.placement.group?.title === spec.title,
    );
    if (isUsed)
      throw new AwsError(
        "InvalidPlacementGroup.InUse",
        400,
        `The placement group '${spec.title}' is in use and may not be deleted.`,
      );
    context.parts.space.commit((tx) => tx.delete("placement-group", name));
    return {};
  },
};

export const describePlacementGroups: AwsOperation<
  DescribePlacementGroupsCommandInput,
  DescribePlacementGroupsCommandOutput
> = {
  asks: () => askOfAll("DescribePlacementGroups"),
  run({ GroupNames = [], GroupIds = [], Filters }, context) {
    const all = () => ownAll("placement-group", context);
    const byId = GroupIds.map((id) => {
      const found = all().find(({ spec }) => spec.id === id);
      if (found) return found;
      throw new AwsError(
        "InvalidPlacementGroupId.NotFound",
        400,
        `The ID '${id.slice(0, 100)}' does not exist`,
      );
    });
    const named = [...GroupNames.map((title) => placementGroup(title, context)), ...byId];
    const { items } = listed(
      { Filters },
      {
        all: () => (named.length > 0 ? named : all()),
        find: () => [],
        facts: {
          "group-name": ({ spec }) => spec.title,
          "group-arn": ({ spec }) => arnOf(spec.title, context),
          state: () => "available",
          strategy: ({ spec }) => spec.strategy,
          ...tagFacts<PlacementGroupRecord>(),
        },
        pageMax: Infinity,
      },
    );
    return { PlacementGroups: items.map((record) => groupView(record, context)) };
  },
};

function groupView({ spec }: PlacementGroupRecord, context: AwsContext): PlacementGroup {
  return {
    GroupName: spec.title,
    GroupId: spec.id,
    GroupArn: arnOf(spec.title, context),
    State: "available",
    Strategy: spec.strategy,
    ...(spec.strategy === "spread" && { SpreadLevel: "host" as const }),
    Tags: tagList(spec.tags),
  };
}
