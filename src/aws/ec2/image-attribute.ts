import type {
  DescribeImageAttributeCommandInput,
  DescribeImageAttributeCommandOutput,
  ModifyImageAttributeCommandInput,
  ModifyImageAttributeCommandOutput,
  ResetImageAttributeCommandInput,
  ResetImageAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { changeImage } from "#/instances/image-changes.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { imageMappings } from "./image-view.ts";
import { ownOne } from "./own.ts";
import { permissionsView, sharingAfter } from "./permissions.ts";

const unknown = (attribute: string | undefined) =>
  new AwsError(
    "InvalidParameterValue",
    400,
    `Value (${String(attribute).slice(0, 100)}) for parameter attribute is invalid.`,
  );

export const describeImageAttribute: AwsOperation<
  DescribeImageAttributeCommandInput,
  DescribeImageAttributeCommandOutput
> = {
  asks: ({ ImageId = "" }, context) => askOf("DescribeImageAttribute", [ImageId], context),
  run({ ImageId, Attribute }, context) {
    const image = ownOne("image", ImageId, context);
    switch (Attribute) {
      case "launchPermission":
        return { ImageId: image.name, LaunchPermissions: permissionsView(image.spec) };
      case "description":
        return { ImageId: image.name, Description: { Value: image.spec.description } };
      case "blockDeviceMapping":
        return { ImageId: image.name, BlockDeviceMappings: imageMappings(image, context) };
      case "productCodes":
        return { ImageId: image.name, ProductCodes: [] };
      case "imdsSupport":
        return { ImageId: image.name, ImdsSupport: { Value: "v2.0" } };
      case "kernel":
        return { ImageId: image.name, KernelId: {} };
      case "ramdisk":
        return { ImageId: image.name, RamdiskId: {} };
      case "sriovNetSupport":
        return { ImageId: image.name, SriovNetSupport: {} };
      default:
        throw unknown(Attribute);
    }
  },
};

/** Who may launch it, and what it says of itself. */
export const modifyImageAttribute: AwsOperation<
  ModifyImageAttributeCommandInput,
  ModifyImageAttributeCommandOutput
> = {
  asks: ({ ImageId = "" }, context) => askOf("ModifyImageAttribute", [ImageId], context),
  run({ ImageId, Attribute, Value, Description, LaunchPermission, ...more }, context) {
    const image = ownOne("image", ImageId, context);
    if (Attribute !== undefined && Attribute !== "launchPermission" && Attribute !== "description")
      throw unknown(Attribute);
    const description = Description?.Value ?? (Attribute === "description" ? Value : undefined);
    const { OperationType, UserIds, UserGroups } = more;
    const sharing = sharingAfter(image.spec, {
      changes: LaunchPermission,
      OperationType,
      UserIds,
      GroupNames: UserGroups,
    });
    const said = description === undefined ? {} : { description };
    changeImage(context.parts.space, image, { ...sharing, ...said });
    return {};
  },
};

/** Nobody but its owner may launch it. */
export const resetImageAttribute: AwsOperation<
  ResetImageAttributeCommandInput,
  ResetImageAttributeCommandOutput
> = {
  asks: ({ ImageId = "" }, context) => askOf("ResetImageAttribute", [ImageId], context),
  run({ ImageId, Attribute }, context) {
    const image = ownOne("image", ImageId, context);
    if (Attribute !== "launchPermission") throw unknown(Attribute);
    changeImage(context.parts.space, image, { isPublic: false, sharedWith: [] });
    return {};
  },
};
