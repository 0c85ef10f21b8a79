import type { RunInstancesCommandInput, RunInstancesCommandOutput } from "@aws-sdk/client-ec2";
import { decideLaunch } from "#/instances/launch.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { iamArn, iamName } from "#/model/iam.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";
import { askToMake } from "./asks.ts";
import { reservationViews } from "./describe-instances.ts";
import { withTemplate } from "./launch-template-of.ts";
import { launchWish } from "./launch-wish.ts";
import { spotAsked } from "./spot-asked.ts";
import { tagsFor } from "./tag-list.ts";

/** The same token starts the same instances once. */
export const runInstances: AwsOperation<RunInstancesCommandInput, RunInstancesCommandOutput> = {
  asks(input, context) {
    const { TagSpecifications, IamInstanceProfile } = withTemplate(input, context);
    return [
      ...askToMake("RunInstances", "instance", context, TagSpecifications),
      ...asksToPass(IamInstanceProfile, context),
    ];
  },
  run: (input, context) =>
    reservationViews(launch(withTemplate(input, context), context), context)[0]!,
};

function launch(input: RunInstancesCommandInput, context: AwsContext): readonly InstanceRecord[] {
  const { parts } = context;
  const wish = launchWish(input, context);
  const { MarketType, SpotOptions = {} } = input.InstanceMarketOptions ?? {};
  if (MarketType !== "spot") return parts.instances.launch(decideLaunch(wish, parts));
  const tags = tagsFor("spot-instances-request", input.TagSpecifications);
  return parts.spotRequests.launch(wish, spotAsked(SpotOptions, { tags }));
}

/** Whoever gives an instance a role must be allowed to pass that role. */
function asksToPass(
  profile: RunInstancesCommandInput["IamInstanceProfile"],
  { parts, caller }: AwsContext,
): Ask[] {
  const { Arn, Name = Arn?.slice(Arn.lastIndexOf("/") + 1) } = profile ?? {};
  if (Name === undefined) return [];
  const role = parts.space.get("iam-instance-profile", iamName(caller.project, Name))?.spec.role;
  const record = role && parts.space.get("iam-role", iamName(caller.project, role));
  if (!record) return [];
  return [
    {
      action: "iam:PassRole",
      resource: iamArn("iam-role", caller.accountId, record.spec),
      conditions: { "iam:PassedToService": "ec2.amazonaws.com" },
    },
  ];
}
