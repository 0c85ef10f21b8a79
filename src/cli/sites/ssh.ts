import { resolve } from "node:path";
import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import { parseAmount, sizeOption } from "../count.ts";
import type { Cli, Does } from "../verb.ts";
import { addSite } from "./add.ts";
import { readYaml } from "./yaml.ts";
import {
  rateOptions,
  ratesOf,
  siteConfigOf,
  siteOptions,
  type RateFlags,
  type SiteFlags,
} from "./options.ts";

interface SshFlags extends SiteFlags, RateFlags {
  name: string;
  inventory?: string;
  cpus?: number;
  memory?: number;
  key?: string;
  knownHosts?: string;
  tunnel?: boolean;
}

/** `canopy sites add ssh`. */
export function defineSsh(add: Command, does: Does): void {
  const command = add
    .command("ssh")
    .description("Hosts that ssh reaches from the control plane's computer")
    .argument("[hosts...]", "as ssh is told them: [user@]host[:port]")
    .option("--name <name>", "of the site", "ssh")
    .option("--inventory <file>", "YAML with a list of hosts, each with what is known of it")
    .option("--cpus <number>", "CPUs that each of them gives, all when absent", parseAmount)
    .option("--memory <size>", "memory that each gives; nine tenths when absent", sizeOption)
    .option("--key <file>", "a private key for them; else what ssh finds by itself")
    .option("--known-hosts <file>", "their public keys; else those that ssh knows")
    .option("--tunnel", "they reach this cloud through the ssh connection")
    .option("--replace", "change the site of that name")
    .addHelpText(
      "after",
      "\nAn inventory:\n  hosts:\n    - { address: node1, user: lab, microsPerHour: 50000, idleWatts: 60, peakWatts: 220 }\n    - { address: node2.example.org, port: 2222, labels: { gpu: a100 } }\n    - { address: node3, power: { sleep: systemctl suspend, wake: 'wakeonlan 00:16:3e:00:00:01' } }",
    );
  rateOptions(siteOptions(command)).action(
    does(async (cli, hosts: string[]) => {
      const flags = cli.options as unknown as SshFlags;
      const { name, tunnel = false, key, knownHosts } = flags;
      return addSite(cli, name, {
        config: {
          type: "ssh",
          ...siteConfigOf(flags),
          hosts: [...hosts.map((word) => hostOf(word, flags)), ...(await inventoryOf(cli, flags))],
          tunnel,
          ...(knownHosts !== undefined && { knownHosts: await textOf(cli, knownHosts) }),
        },
        ...(key !== undefined && { secrets: { privateKey: await textOf(cli, key) } }),
      });
    }),
  );
}

function hostOf(word: string, flags: SshFlags) {
  const [, user, address, port] = /^(?:([^@]+)@)?([^@:]+|\[[^\]]+\])(?::(\d+))?$/.exec(word) ?? [];
  if (address === undefined) {
    throw new CanopyError(
      "invalid",
      `Cannot read the host '${word}' as it must be [user@]host[:port]`,
    );
  }
  const { cpus, memory } = flags;
  return {
    address: address.replaceAll(/^\[|\]$/g, ""),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
    capacity: {
      ...(cpus !== undefined && { milliCpus: Math.round(cpus * 1000) }),
      ...(memory !== undefined && { memoryBytes: memory }),
    },
    ...ratesOf(flags),
  };
}

type Host = ReturnType<typeof hostOf>;

/** What the API refuses of it, it names. */
async function inventoryOf(cli: Cli, { inventory }: SshFlags): Promise<Host[]> {
  if (inventory === undefined) return [];
  const { hosts } = (await readYaml(cli, inventory)) as { hosts?: Host[] };
  if (Array.isArray(hosts)) return hosts;
  throw new CanopyError("invalid", `Cannot read ${inventory} as it must hold a list 'hosts'`);
}

async function textOf({ terminal }: Cli, file: string): Promise<string> {
  const { files, folder } = terminal.world;
  const content = await files.read(resolve(folder, file));
  if (content) return Buffer.from(content).toString("utf8");
  throw new CanopyError("not-found", `Cannot read ${file} as there is no such file`);
}
