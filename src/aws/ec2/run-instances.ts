import type { RunInstancesCommandInput, RunInstancesCommandOutput } from "@aws-sdk/client-ec2";
import { decideLaunch } from "#/instances/launch.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { reservationViews } from "./describe-instances.ts";
import { asksToMakeInstance, asksToPass, asksToUse } from "./launch-asks.ts";
import { templateOf, withTemplate } from "./launch-template-of.ts";
import { launchWish } from "./launch-wish.ts";
import { spotAsked } from "./spot-asked.ts";
import { tagsFor } from "./tag-list.ts";

/** The same token starts the same instances once. */
export const runInstances: AwsOperation<RunInstancesCommandInput, RunInstancesCommandOutput> = {
  asks(input, context) {
    const launch = withTemplate(input, context);
    const template = input.LaunchTemplate && templateOf(input.LaunchTemplate, context).name;
    return [
      ...asksToMakeInstance(launch, context),
      ...asksToUse("RunInstances", launch, context),
      ...askOf("RunInstances", template === undefined ? [] : [template], context),
      ...asksToPass(launch, context),
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
