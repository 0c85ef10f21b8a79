import type { NetworkNames } from "./names.ts";
import { linkOf, linkRange, type VpcState } from "./vpc-state.ts";

/**
 * What the machine's own namespace is told: which of its ports lead to which VPC, and that what comes from a VPC reaches neither the
 * machine nor another VPC, unless by a port that leads there. One table of our own; nothing that the machine has is changed.
 */
export function machineRules(
  names: NetworkNames,
  states: readonly VpcState[],
  { address, open }: { address: string; open: readonly string[] },
): string {
  const { prefix, table } = names;
  const ports = states.flatMap(({ slot, members }) =>
    Object.values(members).flatMap(({ forwards }) =>
      forwards.map(({ port }) => `${port} : ${linkOf(slot).vpc}`),
    ),
  );
  const elastic = states.flatMap(({ members }) =>
    Object.values(members).flatMap(({ network }) => network.elasticIp ?? []),
  );
  const forwarded = ports.length === 0 ? "" : ` elements = { ${ports.join(", ")} };`;
  const toPorts = `ip daddr ${address} dnat ip to tcp dport map @ports`;
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
  map ports { type inet_service : ipv4_addr;${forwarded} }
  set elastic { type ipv4_addr;${elastic.length === 0 ? "" : ` elements = { ${elastic.join(", ")} };`} }
  set open { type ipv4_addr; flags interval; auto-merge;${open.length === 0 ? "" : ` elements = { ${open.join(", ")} };`} }
  chain arriving {
    type nat hook prerouting priority dstnat; policy accept;
    ${toPorts}
  }
  chain own {
    type nat hook output priority -100; policy accept;
    ${toPorts}
  }
  chain leaving {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${linkRange} oifname != "${prefix}*" masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname != "${prefix}*" oifname != "${prefix}*" accept
    ct state established,related accept
    oifname "${prefix}*" ct status dnat accept
    oifname "${prefix}*" ip daddr @elastic accept
    oifname "${prefix}*" drop
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname != "${prefix}*" accept
    ct state established,related accept
    ip daddr @open accept
    drop
  }
}
`;
}
