import type {
  DescribeVolumeAttributeCommandInput,
  DescribeVolumeAttributeCommandOutput,
  DescribeVolumesCommandInput,
  DescribeVolumesCommandOutput,
  DescribeVolumeStatusCommandInput,
  DescribeVolumeStatusCommandOutput,
  ModifyVolumeAttributeCommandInput,
  ModifyVolumeAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { AwsOperation } from "../call.ts";
import { askOf, askOfAll } from "./asks.ts";
import { listed } from "./listing.ts";
import { own, ownAll, ownOne } from "./own.ts";
import { volumeFacts, volumeView } from "./volume-view.ts";

export const describeVolumes: AwsOperation<
  DescribeVolumesCommandInput,
  DescribeVolumesCommandOutput
> = {
  asks: () => askOfAll("DescribeVolumes"),
  run({ VolumeIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: VolumeIds, ...asked },
      {
        all: () => ownAll("volume", context),
        find: (ids) => own("volume", ids, context),
        facts: volumeFacts,
      },
    );
    return { Volumes: items.map(volumeView), ...more };
  },
};

const healthOf = ({ status }: VolumeRecord) => (status.state === "error" ? "impaired" : "ok");

/** Input and output go on by themselves always: nothing here turns them off. */
export const describeVolumeStatus: AwsOperation<
  DescribeVolumeStatusCommandInput,
  DescribeVolumeStatusCommandOutput
> = {
  asks: () => askOfAll("DescribeVolumeStatus"),
  run({ VolumeIds, ...asked }, context) {
    const { items, more } = listed(
      { ids: VolumeIds, ...asked },
      {
        all: () => ownAll("volume", context),
        find: (ids) => own("volume", ids, context),
        facts: {
          "availability-zone": ({ spec }) => spec.zone,
          "volume-status.status": healthOf,
          "volume-status.details-name": () => "io-enabled",
          "volume-status.details-status": (record) =>
            healthOf(record) === "ok" ? "passed" : "failed",
        },
      },
    );
    return {
      VolumeStatuses: items.map((record) => ({
        VolumeId: record.name,
        AvailabilityZone: record.spec.zone,
        VolumeStatus: {
          Status: healthOf(record),
          Details: [
            { Name: "io-enabled", Status: healthOf(record) === "ok" ? "passed" : "failed" },
          ],
        },
        Actions: [],
        Events: [],
      })),
      ...more,
    };
  },
};

export const describeVolumeAttribute: AwsOperation<
  DescribeVolumeAttributeCommandInput,
  DescribeVolumeAttributeCommandOutput
> = {
  asks: ({ VolumeId = "" }, context) => askOf("DescribeVolumeAttribute", [VolumeId], context),
  run({ VolumeId, Attribute }, context) {
    const { name } = ownOne("volume", VolumeId, context);
    if (Attribute === "autoEnableIO") return { VolumeId: name, AutoEnableIO: { Value: true } };
    if (Attribute === "productCodes") return { VolumeId: name, ProductCodes: [] };
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Value (${String(Attribute).slice(0, 100)}) for parameter attribute is invalid.`,
    );
  },
};

export const modifyVolumeAttribute: AwsOperation<
  ModifyVolumeAttributeCommandInput,
  ModifyVolumeAttributeCommandOutput
> = {
  asks: ({ VolumeId = "" }, context) => askOf("ModifyVolumeAttribute", [VolumeId], context),
  run({ VolumeId, AutoEnableIO }, context) {
    ownOne("volume", VolumeId, context);
    if (AutoEnableIO?.Value === false)
      throw new AwsError(
        "UnsupportedOperation",
        400,
        "The attribute 'autoEnableIO' cannot be false here: nothing turns off input and output.",
      );
    return {};
  },
};
