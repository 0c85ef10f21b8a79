import type {
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { allVpcs } from "./vpcs.ts";

/** As accounts of AWS have it that were made after 2013. */
const attributes: Record<string, (context: AwsContext) => string> = {
  "supported-platforms": () => "VPC",
  "default-vpc": (context) => allVpcs(context).find(({ spec }) => spec.isDefault)?.name ?? "none",
};

export const describeAccountAttributes: AwsOperation<
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesCommandOutput
> = {
  asks: () => ({ action: "ec2:DescribeAccountAttributes", resource: "*" }),
  run({ AttributeNames = [] }, context) {
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
        .map(([AttributeName, valueIn]) => ({
          AttributeName: AttributeName as "supported-platforms" | "default-vpc",
          AttributeValues: [{ AttributeValue: valueIn(context) }],
        })),
    };
  },
};
