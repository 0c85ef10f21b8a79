import type {
  DescribeInstancesCommandInput,
  DescribeInstancesCommandOutput,
  Reservation,
} from "@aws-sdk/client-ec2";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import { instanceFacts } from "./instance-facts.ts";
import { instanceView } from "./instance-view.ts";
import { listed } from "./listing.ts";

/** By reservation, those first that were launched first. */
export const describeInstances: AwsOperation<
  DescribeInstancesCommandInput,
  DescribeInstancesCommandOutput
> = {
  asks: () => askOfAll("DescribeInstances"),
  run({ InstanceIds, ...asked }, context) {
    const { parts, caller } = context;
    const { instances } = parts;
    const { items, more } = listed(
      { ids: InstanceIds, ...asked },
      {
        all: () => instances.list(caller.project),
        find: (ids) => instances.find(caller.project, ids),
        facts: instanceFacts(context),
      },
    );
    return { Reservations: reservationViews(items, context), ...more };
  },
};

/** Instances by the calls that launched them. */
export function reservationViews(
  records: readonly InstanceRecord[],
  context: AwsContext,
): Reservation[] {
  const volumes = volumesOf(records, context);
  return [...Map.groupBy(records, ({ spec }) => spec.reservation)].map(([ReservationId, made]) => ({
    ReservationId,
    OwnerId: context.caller.accountId,
    Groups: [],
    Instances: made.map((record) => instanceView(record, volumes.get(record.name) ?? [], context)),
  }));
}

/** What each of some instances has, found in one go over all volumes. */
function volumesOf(
  records: readonly InstanceRecord[],
  { parts }: AwsContext,
): Map<string, VolumeRecord[]> {
  const found = new Map<string, VolumeRecord[]>(records.map(({ name }) => [name, []]));
  if (found.size === 0) return found;
  for (const volume of parts.space.all("volume"))
    found.get(volume.status.attachment?.instance ?? "")?.push(volume);
  return found;
}
