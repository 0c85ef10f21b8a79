import type { DescribeImagesCommandInput, DescribeImagesCommandOutput } from "@aws-sdk/client-ec2";
import { mayUse } from "#/instances/images.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ImageRecord } from "#/model/image.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfAll } from "./asks.ts";
import { imageFacts, imageView } from "./image-view.ts";
import { listed } from "./listing.ts";
import { ownerOf } from "./snapshot-view.ts";

/** The caller's own, and those that others let it use; what was deregistered is not told of. */
export const describeImages: AwsOperation<DescribeImagesCommandInput, DescribeImagesCommandOutput> =
  {
    asks: () => askOfAll("DescribeImages"),
    run({ ImageIds, Owners = [], ExecutableUsers = [], ...asked }, context) {
      const { caller, parts } = context;
      const self = (id: string) => (id === "self" ? caller.accountId : id);
      const owners = Owners.map(self);
      const users = ExecutableUsers.map(self);
      const isWanted = (image: ImageRecord) =>
        (owners.length === 0 || owners.includes(ownerOf(image.project, context))) &&
        (users.length === 0 || users.some((user) => isFor(image, user)));
      const { items, more } = listed(
        { ids: ImageIds, ...asked },
        {
          all: () =>
            [...parts.space.all("image")].filter(
              (image) =>
                image.status.state !== "deregistered" && mayUse(caller, image) && isWanted(image),
            ),
          find: (ids) => ids.map((id) => known(id, context)).filter(isWanted),
          facts: imageFacts(context),
          pageMin: 1,
        },
      );
      return { Images: items.map((image) => imageView(image, context)), ...more };
    },
  };

function known(id: string, { parts, caller }: AwsContext): ImageRecord {
  const found = parts.images.find(caller, id);
  if (found.status.state !== "deregistered") return found;
  throw new AwsError("InvalidAMIID.NotFound", 400, `The image id '[${id}]' does not exist`);
}

/** Who was given it, beside its owner: "all" for everyone. */
const isFor = ({ spec }: ImageRecord, user: string) =>
  user === "all" ? spec.isPublic : spec.sharedWith.includes(user);
