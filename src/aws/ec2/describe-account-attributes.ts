import type {
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";

/** What holds of every account here: as those of AWS that were made after 2013. */
const attributes: Record<string, string> = {
  "supported-platforms": "VPC",
  "default-vpc": "none",
};

export const describeAccountAttributes: AwsOperation<
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesCommandOutput
> = {
  asks: () => ({ action: "ec2:DescribeAccountAttributes", resource: "*" }),
  run({ AttributeNames = [] }) {
    const names: string[] = [...AttributeNames];
    const wrong = names.find((name) => !Object.hasOwn(attributes, name));
    if (wrong !== undefined)
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Invalid value '${wrong.slice(0, 100)}' for AttributeName`,
      );
    return {
      AccountAttributes: Object.entries(attributes)
        .filter(([name]) => names.length === 0 || names.includes(name))
        .map(([AttributeName, AttributeValue]) => ({
          AttributeName: AttributeName as "supported-platforms" | "default-vpc",
          AttributeValues: [{ AttributeValue }],
        })),
    };
  },
};
