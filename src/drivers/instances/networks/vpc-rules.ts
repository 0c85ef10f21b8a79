import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
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

/** What passes in a VPC's namespace. */
export interface VpcRules {
  /** Replaces all that was there before at once. */
  text: string;
  /** All of it but what follows from members, and from groups. */
  frame: string;
  groups: ReadonlyMap<string, readonly string[]>;
  members: ReadonlyMap<string, MemberRules>;
}

/**
 * All traffic of instances goes through here on its own interface for each, so that neighbours are told apart by where they are
 * and not by what they say, and what was let through is remembered for its answers. Connections that were there when a rule went
 * go on, as in EC2.
 */
export function vpcRules(state: VpcState, surroundings: Surroundings): VpcRules {
  const all = Object.values(state.members);
  const groups = groupsOf(state);
  const members = new Map(all.map((member) => [member.instance, rulesOf(member, state)]));
  const text = (sets: VpcRules["groups"], of: readonly MemberRules[]) =>
    tables(state, surroundings, sets, of);
  return {
    text: text(groups, [...members.values()]),
    frame: text(new Map(), []),
    groups,
    members,
  };
}

/**
 * What makes those after of those before by adding alone, which is done in a third of the time: the kernel waits for all processors before
 * it forgets a rule. Undefined where something goes or changes. Refused by nft where some of it is there already.
 */
export function addedRules(before: VpcRules, after: VpcRules): string | undefined {
  const stays = [...before.members].every(([name, rules]) =>
    isDeepStrictEqual(rules, after.members.get(name)),
  );
  const grows = [...before.groups].every(([name, addresses]) => {
    const now = new Set(after.groups.get(name));
    return after.groups.has(name) && addresses.every((one) => now.has(one));
  });
  const added = [...after.members].flatMap(([name, rules]) =>
    before.members.has(name) ? [] : rules,
  );
  if (before.frame !== after.frame || !stays || !grows) return undefined;
  if (added.length === 0 || added.some(({ leaving }) => leaving.length > 0)) return undefined;
  const groups = [...after.groups];
  const elements = (set: string, all: readonly string[], table = "inet canopy") =>
    all.length === 0 ? "" : `create element ${table} ${set} { ${all.join(", ")} }\n`;
  const rules = (chain: string, all: readonly string[]) =>
    all.map((rule) => `add rule inet canopy ${chain} ${rule}\n`).join("");
  return `table inet canopy {
${groups.flatMap(([name, all]) => (before.groups.has(name) ? [] : addressSet(name, all))).join("\n")}
${added.map(({ chains }) => chains).join("\n")}
}
${groups
  .map(([name, all]) => {
    const known = before.groups.get(name);
    return known
      ? elements(
          name,
          all.filter((one) => !known.includes(one)),
        )
      : "";
  })
  .join("")}${elements(
    "sources",
    added.map(({ source }) => source),
  )}${elements(
    "outward",
    added.map(({ outward }) => outward),
  )}${elements(
    "inward",
    added.map(({ inward }) => inward),
  )}${rules(
    "translate",
    added.flatMap(({ translate }) => translate),
  )}${rules(
    "answers",
    added.map(({ answers }) => answers),
  )}${elements(
    "own",
    added.flatMap(({ own }) => own),
    "arp canopy",
  )}`;
}

function tables(
  state: VpcState,
  surroundings: Surroundings,
  groups: VpcRules["groups"],
  members: readonly MemberRules[],
): string {
  return `table inet canopy
delete table inet canopy
table inet canopy {
${[...groups].map(([name, addresses]) => addressSet(name, addresses)).join("\n")}
${addressSet("peers", Object.keys(state.order.peers))}
${rangeSet("closed", surroundings.closed)}
${rangeSet("open", surroundings.open)}
${members.map(({ chains }) => chains).join("\n")}
  map sources { type ifname : verdict;${elementsOf(members.map(({ source }) => source))} }
  map outward { type ifname : verdict;${elementsOf(members.map(({ outward }) => outward))} }
  map inward { type ipv4_addr : verdict;${elementsOf(members.map(({ inward }) => inward))} }
  chain arriving {
    type filter hook prerouting priority raw; policy drop;
    meta nfproto ipv6 drop
    iifname { "lo", "${upPort}" } accept
    iifname "${acrossPort}" ip saddr @peers accept
    iifname vmap @sources
  }
  chain translate {
    type nat hook prerouting priority dstnat; policy accept;
    ${members.flatMap(({ translate }) => translate).join("\n    ")}
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname vmap @outward
    ip daddr vmap @inward
    iifname { "${upPort}", "${acrossPort}" } drop
    oifname "${acrossPort}" accept
    oifname "${upPort}" ip daddr ${state.order.cidr} drop
    oifname "${upPort}" ip daddr @open accept
    oifname "${upPort}" ip daddr @closed drop
    oifname "${upPort}" accept
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    ${members.flatMap(({ leaving }) => leaving).join("\n    ")}
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
    ${members.map(({ answers }) => answers).join("\n    ")}
  }
}
${arpRules(members)}`;
}

/**
 * Whoever asks where an address is says who he is, and is remembered for it: only under the one address and the one MAC that an
 * instance has, so that none can speak for another, nor fill the machine's memory of neighbours, which all VPCs share.
 */
function arpRules(members: readonly MemberRules[]): string {
  return `table arp canopy
delete table arp canopy
table arp canopy {
  set own { type ifname . ipv4_addr . ether_addr;${elementsOf(members.flatMap(({ own }) => own))} }
  chain asked {
    type filter hook input priority filter; policy drop;
    iifname "${upPort}" accept
    iifname . arp saddr ip . arp saddr ether @own accept
  }
}
`;
}

/** What follows from one member. */
interface MemberRules {
  chains: string;
  /** Elements of the maps that lead into its chains, and of the set of those who may ask for addresses. */
  source: string;
  outward: string;
  inward: string;
  own: readonly string[];
  /** Rules in chains that all have. */
  translate: readonly string[];
  leaving: readonly string[];
  answers: string;
}

function rulesOf(member: Member, state: VpcState): MemberRules {
  const port = memberPort(member);
  const { privateIp, mac } = member.network;
  return {
    chains: chainsOf(member),
    source: `"${port}" : goto from_${port}`,
    outward: `"${port}" : jump out_${port}`,
    inward: `${privateIp} : goto in_${port}`,
    own: [privateIp, "0.0.0.0"].map((ip) => `"${port}" . ${ip} . ${mac}`),
    translate: inward(member, state),
    leaving: outward(member),
    answers: hops(member),
  };
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

/** Groups that rules name, each with the addresses of its members on all machines. */
function groupsOf({ members, order }: VpcState): Map<string, readonly string[]> {
  const named = new Set(
    Object.values(members).flatMap(({ network: { ingress, egress } }) =>
      [...ingress, ...egress].flatMap(({ group }) => group ?? []),
    ),
  );
  return new Map([...named].map((group) => [setOf(group), order.groups[group] ?? []]));
}

const setOf = (group: string) =>
  `g_${createHash("sha256").update(group).digest("hex").slice(0, 16)}`;

function addressSet(name: string, addresses: readonly string[]): string {
  return `  set ${name} { type ipv4_addr;${elementsOf(addresses)} }`;
}

function rangeSet(name: string, ranges: readonly string[]): string {
  return `  set ${name} { type ipv4_addr; flags interval; auto-merge;${elementsOf(ranges)} }`;
}

const elementsOf = (all: readonly string[]) =>
  all.length === 0 ? "" : ` elements = { ${all.join(", ")} };`;
