import { createHash } from "node:crypto";
import type { FilterRule } from "#/model/hosting.ts";
import { acrossPort, upPort } from "./names.ts";
import {
  linkOf,
  memberPort,
  metadataAddress,
  namesAddress,
  namesAddressOf,
  type Member,
  type VpcState,
} from "./vpc-state.ts";

/** Addresses outside that instances are kept from, and those among them that they may reach all the same. */
export interface Surroundings {
  closed: readonly string[];
  open: readonly string[];
}

/**
 * What passes in a VPC's namespace, as one nft table that replaces the one before at once. All traffic of instances goes through
 * here on its own interface for each, so that neighbours are told apart by where they are and not by what they say, and what
 * was let through is remembered for its answers. Connections that were there when a rule went go on, as in EC2.
 */
export function vpcRules(state: VpcState, surroundings: Surroundings): string {
  const members = Object.values(state.members);
  return `table inet canopy
delete table inet canopy
table inet canopy {
${groupSets(state)}
${addressSet("peers", Object.keys(state.order.peers))}
${rangeSet("closed", surroundings.closed)}
${rangeSet("open", surroundings.open)}
${members.map(chainsOf).join("\n")}
  chain arriving {
    type filter hook prerouting priority raw; policy drop;
    meta nfproto ipv6 drop
    iifname { "lo", "${upPort}" } accept
    iifname "${acrossPort}" ip saddr @peers accept
    ${verdicts("iifname", members, (one) => [`"${memberPort(one)}"`, `goto from_${memberPort(one)}`])}
  }
  chain translate {
    type nat hook prerouting priority dstnat; policy accept;
    ${members.flatMap((one) => inward(one, state)).join("\n    ")}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    ${verdicts("iifname", members, (one) => [`"${memberPort(one)}"`, `jump out_${memberPort(one)}`])}
    ${verdicts("ip daddr", members, (one) => [one.network.privateIp, `goto in_${memberPort(one)}`])}
    iifname { "${upPort}", "${acrossPort}" } drop
    oifname "${acrossPort}" accept
    oifname "${upPort}" ip daddr ${state.order.cidr} drop
    oifname "${upPort}" ip daddr @open accept
    oifname "${upPort}" ip daddr @closed drop
    oifname "${upPort}" accept
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    ${members.flatMap(outward).join("\n    ")}
    oifname "${upPort}" ip saddr ${state.order.cidr} snat ip to ${linkOf(state.slot).vpc}
  }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "lo" accept
    iifname { "${upPort}", "${acrossPort}" } drop
    ip daddr ${metadataAddress} tcp dport 80 accept
    ip daddr { ${namesAddress}, ${namesAddressOf(state.order)} } meta l4proto { tcp, udp } th dport 53 accept
    udp dport 67 accept
    icmp type echo-request accept
  }
  chain answers {
    type filter hook output priority filter; policy accept;
    ${members.map(hops).join("\n    ")}
  }
}
${arpRules(members)}`;
}

/**
 * Whoever asks where an address is says who he is, and is remembered for it: only under the one address and the one MAC that an
 * instance has, so that none can speak for another, nor fill the machine's memory of neighbours, which all VPCs share.
 */
function arpRules(members: readonly Member[]): string {
  const own = members.flatMap((member) =>
    [member.network.privateIp, "0.0.0.0"].map(
      (ip) => `"${memberPort(member)}" . ${ip} . ${member.network.mac}`,
    ),
  );
  const asks = `iifname . arp saddr ip . arp saddr ether { ${own.join(", ")} } accept`;
  return `table arp canopy
delete table arp canopy
table arp canopy {
  chain asked {
    type filter hook input priority filter; policy drop;
    iifname "${upPort}" accept
    ${own.length === 0 ? "" : asks}
  }
}
`;
}

/** What may come from its interface at all, and its rules both ways. */
function chainsOf(member: Member): string {
  const { network } = member;
  const port = memberPort(member);
  return `  chain from_${port} {
    ether saddr != ${network.mac} drop
    ip saddr ${network.privateIp} accept
    ip saddr 0.0.0.0 udp dport 67 accept
    drop
  }
  chain out_${port} {
    ${network.egress.map((rule) => matching("daddr", rule, "return")).join("\n    ")}
    drop
  }
  chain in_${port} {
    ${network.ingress.map((rule) => matching("saddr", rule, "accept")).join("\n    ")}
    drop
  }`;
}

function matching(side: "saddr" | "daddr", rule: FilterRule, verdict: string): string {
  const { protocol, from, to, cidr, group } = rule;
  if (protocol === "icmpv6" || cidr?.includes(":")) return "";
  const peer =
    group === undefined
      ? cidr === "0.0.0.0/0"
        ? "meta nfproto ipv4"
        : `ip ${side} ${cidr}`
      : `ip ${side} @${setOf(group)}`;
  return `${peer} ${protocolMatch(protocol, from, to)}${verdict}`;
}

function protocolMatch(protocol: FilterRule["protocol"], from: number, to: number): string {
  switch (protocol) {
    case "tcp":
    case "udp":
      return from <= 0 && (to < 0 || to >= 65_535)
        ? `meta l4proto ${protocol} `
        : `${protocol} dport ${from}-${to} `;
    case "icmp":
      return `meta l4proto icmp ${from < 0 ? "" : `icmp type ${from} `}${to < 0 || from < 0 ? "" : `icmp code ${to} `}`;
    default:
      return "";
  }
}

/** From outside: by ports of the machine, and by an address of its own. */
function inward({ network, forwards }: Member, { slot }: VpcState): string[] {
  const { privateIp, elasticIp } = network;
  const { vpc } = linkOf(slot);
  const ports = forwards.map(
    ({ port, to }) =>
      `iifname "${upPort}" ip daddr ${vpc} tcp dport ${port} dnat ip to ${privateIp}:${to}`,
  );
  return elasticIp === undefined
    ? ports
    : [...ports, `iifname "${upPort}" ip daddr ${elasticIp} dnat ip to ${privateIp}`];
}

function outward({ network: { privateIp, elasticIp } }: Member): string[] {
  if (elasticIp === undefined) return [];
  return [`oifname "${upPort}" ip saddr ${privateIp} snat ip to ${elasticIp}`];
}

/** An answer of the metadata service goes so far and no further. */
const hops = ({ network, hopLimit }: Member) =>
  `ip saddr ${metadataAddress} ip daddr ${network.privateIp} ip ttl set ${hopLimit}`;

function verdicts(
  what: string,
  members: readonly Member[],
  pairOf: (member: Member) => [key: string, verdict: string],
): string {
  if (members.length === 0) return "";
  return `${what} vmap { ${members.map((one) => pairOf(one).join(" : ")).join(", ")} }`;
}

/** Groups that rules name, each with the addresses of its members on all machines. */
function groupSets({ members, order }: VpcState): string {
  const named = new Set(
    Object.values(members).flatMap(({ network: { ingress, egress } }) =>
      [...ingress, ...egress].flatMap(({ group }) => group ?? []),
    ),
  );
  return [...named].map((group) => addressSet(setOf(group), order.groups[group] ?? [])).join("\n");
}

const setOf = (group: string) =>
  `g_${createHash("sha256").update(group).digest("hex").slice(0, 16)}`;

function addressSet(name: string, addresses: readonly string[]): string {
  const elements = addresses.length === 0 ? "" : ` elements = { ${addresses.join(", ")} };`;
  return `  set ${name} { type ipv4_addr;${elements} }`;
}

function rangeSet(name: string, ranges: readonly string[]): string {
  const elements = ranges.length === 0 ? "" : ` elements = { ${ranges.join(", ")} };`;
  return `  set ${name} { type ipv4_addr; flags interval; auto-merge;${elements} }`;
}
