import { AwsError } from "#/model/aws-error.ts";
import type { InstanceRecord, InstanceSpec } from "#/model/instance.ts";
import type { InstanceType } from "#/model/instance-type.ts";
import type { Space } from "#/space/space.ts";
import { requireAwake } from "./hibernation.ts";

/** What may be changed of an instance that is there; what is absent stays. */
export interface InstanceChange extends Partial<
  Pick<
    InstanceSpec,
    | "isTerminationProtected"
    | "isStopProtected"
    | "onShutdown"
    | "isRecovered"
    | "metadata"
    | "tags"
  >
> {
  /** Of one that is stopped. */
  type?: InstanceType;
  /** Of one that is stopped; base64, "" for none. */
  userData?: string;
  /** All that it is to be in. */
  groups?: readonly string[];
  /** By device: whether the volume goes with the instance. */
  deletesOnTermination?: ReadonlyMap<string, boolean>;
}

/**
 * Changes what an instance is to be. Throws "IncorrectInstanceState" for what can only be changed while it is stopped, and
 * for one that has ended.
 */
export function changeInstance(
  space: Space,
  record: InstanceRecord,
  change: InstanceChange,
): InstanceRecord {
  const { type, userData, groups, deletesOnTermination, ...more } = change;
  const { state } = record.status;
  if (state === "terminated" || state === "shutting-down")
    throw new AwsError(
      "IncorrectInstanceState",
      400,
      `The instance '${record.name}' is ${state}: it cannot be changed any more.`,
    );
  if ((type !== undefined || userData !== undefined) && state !== "stopped")
    throw new AwsError(
      "IncorrectInstanceState",
      400,
      `The instance '${record.name}' is not in the 'stopped' state.`,
    );
  if (type !== undefined) requireAwake(record, "its type can be changed");
  const { userData: before, ...spec } = record.spec;
  const data = userData ?? before ?? "";
  return space.commit((tx) => {
    for (const volume of deletesOnTermination ? [...space.all("volume")] : []) {
      const { attachment } = volume.status;
      if (attachment?.instance !== record.name) continue;
      const deletes = deletesOnTermination!.get(attachment.device);
      if (deletes === undefined) continue;
      const status = {
        ...volume.status,
        attachment: { ...attachment, deletesOnTermination: deletes },
      };
      tx.put<"volume">({ ...volume, status });
    }
    return tx.put<"instance">({
      ...record,
      spec: {
        ...spec,
        ...more,
        ...(data !== "" && { userData: data }),
        ...(type && { type: type.name, kind: type.kind }),
        ...(groups && { network: { ...spec.network, groups } }),
      },
    });
  }).value;
}
