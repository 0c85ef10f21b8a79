import type { NetworkNames } from "./names.ts";
import { acrossPort, namespaceFile, portOf, tapOf, upPort, wireOf } from "./names.ts";
import {
  acrossMac,
  bitsOf,
  gatewayMac,
  gatewayOf,
  linkOf,
  memberPort,
  metadataAddress,
  namesAddress,
  namesAddressOf,
  type Member,
  type VpcState,
} from "./vpc-state.ts";

/** What tunnels between machines leave of the usual 1,500 bytes. */
export const mtu = 1450;
const tunnelUdpPort = 4789;
/** What one turn of a sender may hand over as one frame, to be cut later. */
const frameBytesMax = 64_000;

/** Makes the namespace of a VPC, and what leads out of it. May run again. */
export function vpcScript(names: NetworkNames, state: VpcState, address: string): string {
  const { vpc, slot, order } = state;
  const ns = names.namespace(vpc);
  const up = names.uplink(vpc);
  const link = linkOf(slot);
  const own = [metadataAddress, namesAddress, namesAddressOf(order)];
  return `
[ -e ${namespaceFile(ns)} ] || ip netns add ${ns}
if ! ip -n ${ns} link show ${upPort} >/dev/null 2>&1; then
  ip link delete ${up} 2>/dev/null || :
  ip link add ${upPort} netns ${ns} type veth peer name ${up}
elif ! ip -4 -o address show dev ${up} | grep -q ' ${link.machine}/31 '; then
  ip address flush dev ${up}
  ip -n ${ns} address flush dev ${upPort}
fi
ip address replace ${link.machine}/31 dev ${up}
ip link set ${up} up
ip -n ${ns} -batch - <<.
link set lo up
${own.map((one) => `address replace ${one}/32 dev lo`).join("\n")}
address replace ${link.vpc}/31 dev ${upPort}
link set ${upPort} up
route replace default via ${link.machine}
.
nsenter --net=${namespaceFile(ns)} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null || :
for device in ${up} $(ip -4 route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p'); do
  echo 1 >/proc/sys/net/ipv4/conf/$device/forwarding
done
if ! ip -n ${ns} link show ${acrossPort} >/dev/null 2>&1; then
  ip link add ${acrossPort} netns ${ns} address ${acrossMac(address)} mtu ${mtu} type vxlan id ${order.tunnel} local ${address} dstport ${tunnelUdpPort} nolearning &&
  ip -n ${ns} link set ${acrossPort} up || echo "no tunnels to other machines" >&2
fi
`;
}

/**
 * Makes what an instance has of its network. May run again. All that passes crosses a pair of devices, and waits at the far end of it
 * where it is too much: at the port what goes to the instance, at the other end what comes from it.
 */
export function memberScript(names: NetworkNames, state: VpcState, member: Member): string {
  const { vpc } = state;
  const { network, instance, isGuest } = member;
  const ns = names.namespace(vpc);
  const port = memberPort(member);
  const gateway = gatewayOf(network);
  const inside = names.namespace(instance);
  const [farNs, far] = isGuest ? [ns, wireOf(instance)] : [inside, "eth0"];
  const farIsThere = isGuest
    ? `[ -e /proc/sys/net/ipv4/conf/${far} ]`
    : `ip -n ${inside} link show ${far} >/dev/null 2>&1`;
  // A program that goes into a namespace by itself takes longer than all that it does there.
  return `
${isGuest ? "again=" : `[ -e ${namespaceFile(inside)} ] && again=1 || { again= ; ip netns add ${inside}; }`}
again=$again nsenter --net=${namespaceFile(ns)} sh -e <<'script'
if [ -e /proc/sys/net/ipv4/conf/${port} ]; then
  ${farIsThere} || ip link delete ${port} # half of a pair leads nowhere
elif [ "$again" ]; then
  ip -n ${inside} link delete ${far} 2>/dev/null || :
fi
ip -batch - <<.
$([ -e /proc/sys/net/ipv4/conf/${port} ] || echo link add ${port} mtu ${mtu} type veth peer name ${far}${isGuest ? "" : ` address ${network.mac}`} mtu ${mtu} netns ${farNs})
link set ${port} address ${gatewayMac} up
address replace ${gateway}/${bitsOf(network)} dev ${port} noprefixroute
${waysTo(state, member)}
.
${proxyScript(port)}
script
${isGuest ? guestScript(ns, instance) : containerScript(inside, network)}
${rateScript(ns, port, network.bitsPerSecond)}
${rateScript(farNs, far, network.bitsPerSecond)}
`;
}

/** Frames of the tap cross to the pair's other end and back, as over a wire. */
function guestScript(ns: string, instance: string): string {
  const [tap, wire] = [tapOf(instance), wireOf(instance)];
  const patch = (from: string, to: string) => `
tc -n ${ns} qdisc add dev ${from} clsact 2>/dev/null || :
tc -n ${ns} filter replace dev ${from} ingress prio 1 handle 800::1 protocol all u32 match u32 0 0 action mirred egress redirect dev ${to}`;
  return `ip -n ${ns} link show ${tap} >/dev/null 2>&1 || ip -n ${ns} tuntap add ${tap} mode tap
ip -n ${ns} -batch - <<.
link set ${tap} mtu ${mtu} up
link set ${wire} up
.${patch(tap, wire)}${patch(wire, tap)}`;
}

/** What leads to it in its VPC. */
export function waysTo({ order }: VpcState, member: Member): string {
  const { privateIp, mac } = member.network;
  const port = memberPort(member);
  // One that moves has its place ready before it is told to be there.
  const isElsewhere = order.peers[privateIp] !== undefined;
  return `${isElsewhere ? "" : `route replace ${privateIp}/32 dev ${port}`}
neighbor replace ${privateIp} lladdr ${mac} dev ${port} nud permanent`;
}

export const proxyScript = (port: string) => `echo 1 >/proc/sys/net/ipv4/conf/${port}/proxy_arp
echo 0 >/proc/sys/net/ipv4/neigh/${port}/proxy_delay`;

export function containerScript(inside: string, network: Member["network"]): string {
  const gateway = gatewayOf(network);
  return `ip -n ${inside} -batch - <<.
link set lo up
link set eth0 address ${network.mac} up
address replace ${network.privateIp}/${bitsOf(network)} dev eth0 noprefixroute
route replace ${gateway} dev eth0
route replace default via ${gateway}
.`;
}

/** Whoever asks on the machine's wire where an address of an instance's own is, is told that it is here. */
export function elasticScript(
  names: NetworkNames,
  { vpc, slot }: VpcState,
  { now, gone }: { now: readonly string[]; gone: readonly string[] },
): string {
  const up = names.uplink(vpc);
  const wires = "$(ip -4 route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')";
  return [
    ...gone.map(
      (one) => `ip route delete ${one}/32 dev ${up} 2>/dev/null || :
for device in ${wires}; do ip neighbor delete proxy ${one} dev $device 2>/dev/null || :; done`,
    ),
    ...now.map(
      (one) => `ip route replace ${one}/32 via ${linkOf(slot).vpc} dev ${up}
for device in ${wires}; do ip neighbor replace proxy ${one} dev $device; done`,
    ),
  ].join("\n");
}

/** What is too much waits for 50 ms at most. */
export function rateScript(ns: string, device: string, bitsPerSecond: number | undefined): string {
  if (bitsPerSecond === undefined) return "";
  const burst = Math.max(frameBytesMax, Math.ceil(bitsPerSecond / 8 / 100));
  return `tc -n ${ns} qdisc replace dev ${device} root tbf rate ${bitsPerSecond}bit burst ${burst} latency 50ms`;
}

export function leaveScript(names: NetworkNames, vpc: string, instance: string): string {
  const ns = names.namespace(vpc);
  return `
ip -n ${ns} link delete ${portOf(instance)} 2>/dev/null || :
ip -n ${ns} link delete ${tapOf(instance)} 2>/dev/null || :
ip netns delete ${names.namespace(instance)} 2>/dev/null || :
`;
}

export function razeScript(names: NetworkNames, vpc: string): string {
  return `
ip link delete ${names.uplink(vpc)} 2>/dev/null || :
ip netns delete ${names.namespace(vpc)} 2>/dev/null || :
`;
}

/** Where addresses of instances on other machines are. Stale ones go first. */
export function peersScript(
  names: NetworkNames,
  { vpc, order, members }: VpcState,
  before: Readonly<Record<string, string>> | undefined,
): string {
  const ns = names.namespace(vpc);
  const here = new Set(Object.values(members).map(({ network }) => network.privateIp));
  // The route of one that has come here leads to it already.
  const gone = Object.keys(before ?? {}).filter(
    (one) => order.peers[one] === undefined && !here.has(one),
  );
  const machines = [...new Set(Object.values(order.peers))];
  return `
if ip -n ${ns} link show ${acrossPort} >/dev/null 2>&1; then
${before ? "" : `ip -n ${ns} route flush dev ${acrossPort}`}
ip -n ${ns} -force -batch - <<.
${gone.map((one) => `route delete ${one}/32 dev ${acrossPort}`).join("\n")}
${machines.map((one) => `neighbor replace ${one} lladdr ${acrossMac(one)} dev ${acrossPort} nud permanent`).join("\n")}
${Object.entries(order.peers)
  .map(([one, machine]) => `route replace ${one}/32 via ${machine} dev ${acrossPort} onlink`)
  .join("\n")}
.
bridge -n ${ns} -force -batch - <<.
${machines.map((one) => `fdb replace ${acrossMac(one)} dev ${acrossPort} dst ${one} self permanent`).join("\n")}
.
fi
`;
}
