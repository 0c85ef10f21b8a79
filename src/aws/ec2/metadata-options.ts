import type {
  InstanceMetadataOptionsResponse,
  ModifyInstanceMetadataOptionsCommandInput,
  ModifyInstanceMetadataOptionsCommandOutput,
} from "@aws-sdk/client-ec2";
import { changeInstance } from "#/instances/change-instance.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { MetadataOptions } from "#/model/instance.ts";
import type { AwsOperation } from "../call.ts";
import { askOf } from "./asks.ts";
import { refuseIpv6 } from "./ipv6.ts";
import { ownOne } from "./own.ts";

const hopsMax = 64;

/** Changes who of an instance may read its metadata. Version 1 of the service is not to be had. */
export const modifyInstanceMetadataOptions: AwsOperation<
  ModifyInstanceMetadataOptionsCommandInput,
  ModifyInstanceMetadataOptionsCommandOutput
> = {
  asks: ({ InstanceId = "" }, context) =>
    askOf("ModifyInstanceMetadataOptions", [InstanceId], context),
  run(input, context) {
    const record = ownOne("instance", input.InstanceId, context);
    const { HttpEndpoint, HttpPutResponseHopLimit: hops, InstanceMetadataTags } = input;
    refuseIpv6(input.HttpProtocolIpv6 === "enabled");
    requireMetadata({ HttpTokens: input.HttpTokens, HttpPutResponseHopLimit: hops });
    const before = record.spec.metadata;
    const metadata = {
      isEnabled: HttpEndpoint === undefined ? before.isEnabled : HttpEndpoint === "enabled",
      hopLimit: hops ?? before.hopLimit,
      hasTags: InstanceMetadataTags ? InstanceMetadataTags === "enabled" : before.hasTags,
    };
    changeInstance(context.parts.space, record, { metadata });
    return {
      InstanceId: record.name,
      InstanceMetadataOptions: metadataOptionsView(metadata),
    };
  },
};

/** Throws "UnsupportedOperation" for version 1, "InvalidParameterValue" for a wrong number of hops. */
export function requireMetadata({
  HttpTokens,
  HttpPutResponseHopLimit: hops = 1,
}: {
  HttpTokens?: string | undefined;
  HttpPutResponseHopLimit?: number | undefined;
}): void {
  if (HttpTokens === "optional")
    throw new AwsError(
      "UnsupportedOperation",
      400,
      "The instance metadata service is version 2 only here: HttpTokens must be 'required'.",
    );
  if (hops < 1 || hops > hopsMax)
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Value (${hops}) for parameter HttpPutResponseHopLimit is invalid. It must be between 1 and ${hopsMax}.`,
    );
}

export function metadataOptionsView({
  isEnabled,
  hopLimit,
  hasTags,
}: MetadataOptions): InstanceMetadataOptionsResponse {
  return {
    State: "applied",
    HttpTokens: "required",
    HttpPutResponseHopLimit: hopLimit,
    HttpEndpoint: isEnabled ? "enabled" : "disabled",
    HttpProtocolIpv6: "disabled",
    InstanceMetadataTags: hasTags ? "enabled" : "disabled",
  };
}
