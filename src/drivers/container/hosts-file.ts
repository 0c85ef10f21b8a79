import type { InstanceOrder } from "#/model/hosting.ts";
import type { PreparedNetwork } from "../instance-driver.ts";

/** Where names are looked up: what answers at EC2's own address for that, or what slirp4netns hands on to the machine's. */
const resolvers = { namespace: "169.254.169.253", user: "10.0.2.3" } as const;

/** Names of `hostsFile`. */
export const etcFiles = ["hosts", "resolv.conf", "hostname"] as const;

/** Files of /etc that are about the network, by name. */
export function hostsFile(
  { network, instance }: InstanceOrder,
  { type }: PreparedNetwork,
): Record<(typeof etcFiles)[number], string> {
  const name = network.hostname || instance;
  const [short] = name.split(".");
  const own = [...new Set([name, short])].join(" ");
  const address = type === "namespace" ? network.privateIp : "10.0.2.100";
  return {
    hosts:
      "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" + `${address} ${own}\n`,
    "resolv.conf": `nameserver ${resolvers[type]}\noptions timeout:2 attempts:3\n`,
    hostname: `${name}\n`,
  };
}
