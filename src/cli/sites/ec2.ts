import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { durationOption, parseAmount } from "../count.ts";
import type { Cli, Does } from "../verb.ts";
import { many } from "../words.ts";
import { addSite } from "./add.ts";
import {
  billingOf,
  billingOptions,
  microsOf,
  siteConfigOf,
  siteOptions,
  type BillingFlags,
  type SiteFlags,
} from "./options.ts";

interface Ec2Flags extends SiteFlags, BillingFlags {
  name: string;
  region: string;
  endpoint?: string;
  image: string;
  type: string[];
  zone?: string[];
  spot?: boolean;
  onlySpot?: boolean;
  subnet?: string;
  securityGroup?: string[];
  keyName?: string;
  interruptions?: number;
  boot?: number;
}

/** `canopy sites add ec2`. */
export function defineEc2(add: Command, does: Does): void {
  const command = add
    .command("ec2")
    .description("Instances of Amazon EC2, or of anything that speaks its API")
    .option("--name <name>", "of the site", "ec2")
    .requiredOption("--region <region>", "as in eu-central-1")
    .option("--endpoint <url>", "of another provider, or of another Canopy")
    .requiredOption("--image <image>", "a Linux with cloud-init, as in ami-0abc")
    .requiredOption(
      "--type <type=price>",
      "an instance type, with its price on demand for an hour where known (repeatable)",
      many,
    )
    .option("--zone <zone>", "only this availability zone (repeatable)", many)
    .option("--spot", "also spot instances, at the provider's price")
    .option("--only-spot", "spot instances only")
    .option("--interruptions <number>", "of a spot instance in an hour, if known", parseAmount)
    .option("--boot <duration>", "until one has joined, if known, as in 1m", durationOption)
    .option("--subnet <subnet>", "where its instances are")
    .option("--security-group <group>", "of its instances (repeatable)", many)
    .option("--key-name <name>", "of the key pair that opens them by ssh")
    .option("--replace", "change the site of that name")
    .addHelpText(
      "after",
      "\nThe keys come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and are kept sealed.\nInstances reach this cloud by its own address, or by --join-url.",
    );
  billingOptions(siteOptions(command)).action(
    does((cli) => {
      const flags = cli.options as unknown as Ec2Flags;
      const { name, region, endpoint, image, type, zone, subnet, securityGroup, keyName } = flags;
      const { accessKeyId, ...secrets } = keysOf(cli);
      return addSite(cli, name, {
        config: {
          type: "ec2",
          ...siteConfigOf(flags),
          ...billingOf(flags),
          region,
          ...(endpoint !== undefined && { endpoint }),
          accessKeyId,
          imageId: image,
          types: type.map(typeOf),
          markets: flags.onlySpot ? ["spot"] : flags.spot ? ["on-demand", "spot"] : ["on-demand"],
          ...(zone && { zones: zone }),
          ...(subnet !== undefined && { subnetId: subnet }),
          ...(securityGroup && { securityGroupIds: securityGroup }),
          ...(keyName !== undefined && { keyName }),
          ...(flags.boot !== undefined && { bootMs: { median: flags.boot, p90: flags.boot } }),
          ...(flags.interruptions !== undefined && { interruptionsPerHour: flags.interruptions }),
        },
        secrets,
      });
    }),
  );
}

/** "m7i.large=0.1008", or "m7i.large" when nobody knows its price. */
function typeOf(word: string) {
  const [name = "", price] = word.split("=");
  return { name, ...(price !== undefined && { microsPerHour: microsOf(parseAmount(price)) }) };
}

function keysOf({ terminal }: Cli) {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = terminal.world.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new CanopyError("invalid", "Cannot add the site as there are no keys of the provider", {
      hint: "Put them into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: a command line shows them to everyone",
    });
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}
