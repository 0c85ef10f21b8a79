import type { RunInstancesCommandInput } from "@aws-sdk/client-ec2";
import { AwsError } from "#/model/aws-error.ts";

/** Throws "UnsupportedOperation" where IPv6 is asked for. */
export function refuseIpv6(isAsked: boolean): void {
  if (isAsked)
    throw new AwsError(
      "UnsupportedOperation",
      400,
      "There is no IPv6 here: networks have IPv4 addresses alone. Ask for the same without it.",
    );
}

/** Whether a launch asks for IPv6 anywhere. */
export function asksForIpv6(input: RunInstancesCommandInput): boolean {
  const { NetworkInterfaces = [], MetadataOptions, PrivateDnsNameOptions } = input;
  return (
    NetworkInterfaces.some(
      (one) =>
        one.PrimaryIpv6 === true || hasSome(one) || isSome(one.Ipv6Prefixes, one.Ipv6PrefixCount),
    ) ||
    hasSome(input) ||
    input.EnablePrimaryIpv6 === true ||
    MetadataOptions?.HttpProtocolIpv6 === "enabled" ||
    PrivateDnsNameOptions?.EnableResourceNameDnsAAAARecord === true
  );
}

const hasSome = (asked: Pick<RunInstancesCommandInput, "Ipv6Addresses" | "Ipv6AddressCount">) =>
  isSome(asked.Ipv6Addresses, asked.Ipv6AddressCount);

const isSome = (named: readonly unknown[] = [], count = 0) => named.length + count > 0;
