import type {
  DescribeSnapshotAttributeCommandInput,
  DescribeSnapshotAttributeCommandOutput,
  ModifySnapshotAttributeCommandInput,
  ModifySnapshotAttributeCommandOutput,
  ResetSnapshotAttributeCommandInput,
  ResetSnapshotAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { shareSnapshot } from "#/instances/snapshots.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { ownOne } from "./own.ts";
import { permissionsView, sharingAfter } from "./permissions.ts";

export const describeSnapshotAttribute: AwsOperation<
  DescribeSnapshotAttributeCommandInput,
  DescribeSnapshotAttributeCommandOutput
> = {
  asks: ({ SnapshotId = "" }, context) => askOf("DescribeSnapshotAttribute", [SnapshotId], context),
  run({ SnapshotId, Attribute }, context) {
    const { name, spec } = ownOne("snapshot", SnapshotId, context);
    if (Attribute === "productCodes") return { SnapshotId: name, ProductCodes: [] };
    requireKnown(Attribute);
    return { SnapshotId: name, CreateVolumePermissions: permissionsView(spec) };
  },
};

export const modifySnapshotAttribute: AwsOperation<
  ModifySnapshotAttributeCommandInput,
  ModifySnapshotAttributeCommandOutput
> = {
  asks: ({ SnapshotId = "" }, context) => askOf("ModifySnapshotAttribute", [SnapshotId], context),
  run({ SnapshotId, Attribute, CreateVolumePermission, ...asked }, context) {
    const record = ownOne("snapshot", SnapshotId, context);
    requireKnown(Attribute ?? "createVolumePermission");
    const { isPublic = false, sharedWith = [] } = record.spec;
    const sharing = sharingAfter(
      { isPublic, sharedWith },
      { changes: CreateVolumePermission, ...asked },
    );
    shareSnapshot(context.parts.space, record, sharing);
    return {};
  },
};

/** Nobody but its owner may use it. */
export const resetSnapshotAttribute: AwsOperation<
  ResetSnapshotAttributeCommandInput,
  ResetSnapshotAttributeCommandOutput
> = {
  asks: ({ SnapshotId = "" }, context) => askOf("ResetSnapshotAttribute", [SnapshotId], context),
  run({ SnapshotId, Attribute }, context) {
    const record = ownOne("snapshot", SnapshotId, context);
    requireKnown(Attribute);
    shareSnapshot(context.parts.space, record, { isPublic: false, sharedWith: [] });
    return {};
  },
};

function requireKnown(attribute: string | undefined): void {
  if (attribute === "createVolumePermission") return;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${String(attribute).slice(0, 100)}) for parameter attribute is invalid.`,
  );
}
