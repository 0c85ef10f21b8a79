import type { Networks } from "../../instance-driver.ts";
import { parseAddress } from "#/model/cidr.ts";
import { runCommand } from "../command.ts";
import { FullNetworks } from "./full-networks.ts";
import type { NetworksParts } from "./parts.ts";
import { UserNetworks } from "./user-networks.ts";

/** What networks of their own need of the system, and the Debian package that brings it. */
const programs = {
  ip: "iproute2",
  tc: "iproute2",
  bridge: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  dnsmasq: "dnsmasq-base",
};

export interface NetworksWish {
  /** Absent: full where this machine can and is one among others, as they use ports and forwarding of it. */
  type?: "full" | "user";
  /** What instances may reach of the machine and the networks that it is in, CIDRs. */
  reachable: readonly string[];
}

/** Networks as this machine can have them, and what is missing for more, for people. */
export async function openNetworks(
  parts: NetworksParts,
  { type, reachable }: NetworksWish,
): Promise<{ networks: Networks; missing: string[] }> {
  const address = addressOf(parts);
  const missing = type === "user" ? [] : await networksLack(parts);
  if (type === undefined && address !== parts.address && missing.length === 0)
    missing.push(
      "networks of their own: this machine is a cloud by itself and is left as it is; CANOPY_NETWORKS=full gives its instances a way out",
    );
  if (type === "user" || missing.length > 0 || address === undefined)
    return { networks: new UserNetworks(parts), missing };
  const networks = new FullNetworks({ ...parts, address, reachable });
  await networks.open();
  return { networks, missing };
}

/** Where others reach ports of this machine. What only it itself can reach leads nowhere else. */
function addressOf({ address, processes }: NetworksParts): string | undefined {
  const isOutside = (one: string) => parseAddress(one) !== undefined && !one.startsWith("127.");
  return isOutside(address) ? address : processes.facts().addresses.find(isOutside);
}

/** What is missing here for networks of their own. Found out by doing it, as what a kernel does not let us is not told otherwise. */
export async function networksLack(parts: Pick<NetworksParts, "processes">): Promise<string[]> {
  const look = Object.keys(programs)
    .map((name) => `command -v ${name} >/dev/null || echo ${name}`)
    .join("\n");
  const { output } = await runCommand(parts.processes, ["sh", "-c", look]);
  const packages = new Set(
    output.split("\n").flatMap((name) => programs[name as keyof typeof programs] ?? []),
  );
  if (packages.size > 0)
    return [...packages].map(
      (name) => `${name}, for networks of instances (apt-get install ${name})`,
    );
  const tried = await runCommand(parts.processes, ["unshare", "--net", "sh", "-e", "-c", attempt]);
  if (tried.code === 0) return [];
  const why = tried.errors.trim().split("\n")[0] ?? "";
  return [`root and network namespaces, for networks of instances: ${why.slice(0, 200)}`];
}

/** In a namespace that goes when this ends. */
const attempt = `
ip link add probe0 type veth peer name probe1
ip link delete probe0
ip link add probe2 type vxlan id 1 local 127.0.0.1 dstport 4789
ip tuntap add probe3 mode tap
nft 'add table inet probe { chain c { type nat hook prerouting priority dstnat; ct state established accept; }; }'
nft 'add table arp probe { chain c { type filter hook input priority filter; arp saddr ip 10.0.0.1 accept; }; }'
tc qdisc add dev probe3 root tbf rate 1mbit burst 64000 latency 50ms
tc qdisc add dev probe3 clsact
tc filter add dev probe3 ingress protocol all u32 match u32 0 0 action mirred egress redirect dev probe2
mkdir -p /run/netns
`;
