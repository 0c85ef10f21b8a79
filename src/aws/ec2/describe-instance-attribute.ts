import type {
  DescribeInstanceAttributeCommandInput,
  DescribeInstanceAttributeCommandOutput,
} from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";
import type { Answer, AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { reservationViews } from "./describe-instances.ts";
import { ownOne } from "./own.ts";

type Output = Answer<DescribeInstanceAttributeCommandOutput>;

/** One attribute of an instance. Throws "InvalidParameterValue" for one that there is not. */
export const describeInstanceAttribute: AwsOperation<
  DescribeInstanceAttributeCommandInput,
  DescribeInstanceAttributeCommandOutput
> = {
  asks: ({ InstanceId = "" }, context) => askOf("DescribeInstanceAttribute", [InstanceId], context),
  run({ InstanceId, Attribute }, context) {
    const { spec, name } = ownOne("instance", InstanceId, context);
    const view = () =>
      reservationViews([ownOne("instance", InstanceId, context)], context)[0]!.Instances![0]!;
    const attributes: Record<string, () => Partial<Output>> = {
      instanceType: () => ({ InstanceType: { Value: spec.type } }),
      userData: () => ({ UserData: spec.userData === undefined ? {} : { Value: spec.userData } }),
      disableApiTermination: () => ({
        DisableApiTermination: { Value: spec.isTerminationProtected },
      }),
      disableApiStop: () => ({ DisableApiStop: { Value: spec.isStopProtected } }),
      instanceInitiatedShutdownBehavior: () => ({
        InstanceInitiatedShutdownBehavior: { Value: spec.onShutdown },
      }),
      sourceDestCheck: () => ({ SourceDestCheck: { Value: true } }),
      ebsOptimized: () => ({ EbsOptimized: { Value: false } }),
      enaSupport: () => ({ EnaSupport: { Value: false } }),
      enclaveOptions: () => ({ EnclaveOptions: { Enabled: false } }),
      kernel: () => ({ KernelId: {} }),
      ramdisk: () => ({ RamdiskId: {} }),
      sriovNetSupport: () => ({ SriovNetSupport: {} }),
      productCodes: () => ({ ProductCodes: [] }),
      rootDeviceName: () => ({ RootDeviceName: { Value: view().RootDeviceName } }),
      blockDeviceMapping: () => ({ BlockDeviceMappings: view().BlockDeviceMappings }),
      groupSet: () => ({ Groups: view().SecurityGroups }),
    };
    const asked: string = Attribute ?? "";
    if (!Object.hasOwn(attributes, asked))
      throw new AwsError(
        "InvalidParameterValue",
        400,
        `Value (${asked.slice(0, 100)}) for parameter attribute is invalid. Unknown attribute.`,
      );
    return { InstanceId: name, ...attributes[asked]!() };
  },
};
