import { namespaceFile, portOf, type NetworkNames } from "./names.ts";
import { containerScript, mtu, proxyScript, rateScript, waysTo } from "./vpc-script.ts";
import {
  bitsOf,
  gatewayMac,
  gatewayOf,
  memberPort,
  type Member,
  type VpcState,
} from "./vpc-state.ts";

/** All of a place on the network that containers have alike. */
export interface PlaceShape {
  gateway: string;
  bits: number;
  bitsPerSecond: number | undefined;
}

export const shapeOf = (network: Member["network"]): PlaceShape => ({
  gateway: gatewayOf(network),
  bits: bitsOf(network),
  bitsPerSecond: network.bitsPerSecond,
});

/** Makes a place for a container that is not there yet. What leads to it is down. */
export function placeScript(
  names: NetworkNames,
  vpc: string,
  place: string,
  { gateway, bits, bitsPerSecond }: PlaceShape,
): string {
  const [ns, inside, port] = [names.namespace(vpc), names.namespace(place), portOf(place)];
  return `
ip netns add ${inside}
nsenter --net=${namespaceFile(ns)} sh -e <<'script'
ip -batch - <<.
link add ${port} address ${gatewayMac} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${inside}
address replace ${gateway}/${bits} dev ${port} noprefixroute
.
${proxyScript(port)}
script
${rateScript(ns, port, bitsPerSecond)}
${rateScript(inside, "eth0", bitsPerSecond)}
`;
}

/** Gives a container a place that was made for one like it: all is as memberScript makes it then. */
export function settleScript(
  names: NetworkNames,
  state: VpcState,
  member: Member,
  place: string,
): string {
  const [waiting, inside] = [names.namespace(place), names.namespace(member.instance)];
  return `
: >${namespaceFile(inside)}
mount --bind ${namespaceFile(waiting)} ${namespaceFile(inside)} &
named=$!
ip -n ${names.namespace(state.vpc)} -batch - <<. &
link set ${portOf(place)} name ${memberPort(member)} up
${waysTo(state, member)}
.
led=$!
${containerScript(waiting, member.network)}
wait $named
wait $led
`;
}
