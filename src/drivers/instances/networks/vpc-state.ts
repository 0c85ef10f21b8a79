import type { InstanceOrder, NetworkOrder, VpcOrder } from "#/model/hosting.ts";
import { addressText, parseCidr } from "#/model/cidr.ts";
import { portOf } from "./names.ts";
import type { Forwards } from "./ports.ts";

/** An instance on its network here. */
export interface Member {
  instance: string;
  network: NetworkOrder;
  /** A guest has a tap, what shares the machine's kernel a namespace of its own. */
  isGuest: boolean;
  hopLimit: number;
  forwards: Forwards;
}

/** All that is known of a VPC on this machine: everything that is made of it follows from this. */
export interface VpcState {
  vpc: string;
  /** Which of the pairs of addresses between the machine and its VPCs is its own. */
  slot: number;
  order: VpcOrder;
  members: Record<string, Member>;
}

/**
 * What was kept of a VPC. Throws where its own part is damaged or of another shape; members that are go missing, as each is told
 * again with its instance.
 */
export function readVpcState(content: Uint8Array): VpcState {
  const { vpc, slot, order, members } = JSON.parse(Buffer.from(content).toString()) as VpcState;
  const isWhole = [vpc, order.cidr].every((text) => typeof text === "string");
  if (!isWhole || !Number.isInteger(slot)) throw new Error("it is of another shape");
  const whole = Object.entries(members).filter(
    ([, { instance, network, forwards }]) =>
      instance && network?.privateIp && forwards?.length >= 0,
  );
  return { vpc, slot, order, members: Object.fromEntries(whole) };
}

/** Between the machine and its VPCs: 8,192 pairs, of the addresses that nobody routes. */
export const linkRange = "169.254.64.0/18";
export const slotsMax = 2 ** 13;
const firstLink = parseCidr(linkRange).first;

/** The machine's end and the VPC's of a pair. */
export function linkOf(slot: number): { machine: string; vpc: string } {
  return {
    machine: addressText(firstLink + slot * 2),
    vpc: addressText(firstLink + slot * 2 + 1),
  };
}

/** Where instances ask for names, as in every VPC of EC2, and of what they are. */
export const namesAddress = "169.254.169.253";
export const metadataAddress = "169.254.169.254";

/** The first address of a subnet leads out of it. */
export function gatewayOf({ subnetCidr }: Pick<NetworkOrder, "subnetCidr">): string {
  return addressText(parseCidr(subnetCidr).first + 1);
}

/** The second address of a VPC answers for names too. */
export const namesAddressOf = ({ cidr }: Pick<VpcOrder, "cidr">): string =>
  addressText(parseCidr(cidr).first + 2);

export const bitsOf = ({ subnetCidr }: Pick<NetworkOrder, "subnetCidr">): number =>
  parseCidr(subnetCidr).bits;

/** The device between machines that stands for another machine in a VPC: its address is in it. */
export function acrossMac(machine: string): string {
  const bytes = [0x02, 0xfd, ...machine.split(".").map(Number)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** The same for every instance on every machine: one that moves goes on speaking to its gateway. */
export const gatewayMac = "02:fe:00:00:00:01";

export const isGuest = ({ kind }: Pick<InstanceOrder, "kind">): boolean =>
  kind === "vm" || kind === "microvm";

export const memberPort = ({ instance }: Pick<Member, "instance">): string => portOf(instance);
