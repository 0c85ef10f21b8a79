import type { AvailabilityZone } from "@aws-sdk/client-ec2";
import { zonesOf as zonesThere } from "#/instances/zones.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsContext } from "../call.ts";

export function zonesOf({ parts: { space, region } }: AwsContext): AvailabilityZone[] {
  return zonesThere(space).map(({ name, isAvailable }, index) => ({
    State: isAvailable ? ("available" as const) : ("unavailable" as const),
    OptInStatus: "opt-in-not-required",
    RegionName: region,
    ZoneName: name,
    ZoneId: `${shortOf(region)}-az${index + 1}`,
    GroupName: region,
    NetworkBorderGroup: region,
    ZoneType: "availability-zone",
  }));
}

/** "us-east-1" is "use1" in the ids of its zones. */
function shortOf(region: string): string {
  const [country = "", direction = "", number = ""] = region.split("-");
  return `${country}${direction.charAt(0)}${number}`;
}

/** The name of a zone that there is. Throws "MissingParameter", "InvalidZone.NotFound". */
export function requireZone(name: string | undefined, context: AwsContext): string {
  if (name === undefined)
    throw new AwsError(
      "MissingParameter",
      400,
      "The request must contain the parameter AvailabilityZone",
    );
  if (zonesOf(context).some(({ ZoneName }) => ZoneName === name)) return name;
  throw new AwsError(
    "InvalidZone.NotFound",
    400,
    `The zone '${name.slice(0, 100)}' does not exist.`,
  );
}
