import { dirname } from "node:path";
import type { NetworkOrder } from "#/model/hosting.ts";
import type { PreparedNetwork } from "../instance-driver.ts";
import type { Jail } from "./machine.ts";

/**
 * What that program needs is shown in the guest's root folder, in a view of the disk that ends with its QEMU: nobody else
 * sees it there, and who removes that folder cannot remove what is shown in it.
 */
const showing = `
set -e
root=$1 metadata=$2
shift 2
for folder in usr bin lib lib64; do
  if [ -L "/$folder" ]; then ln -sfn "$(readlink "/$folder")" "$root/$folder"; continue; fi
  [ -d "/$folder" ] || continue
  mkdir -p "$root/$folder"
  mount -o bind,ro "/$folder" "$root/$folder"
done
mkdir -p "$root/metadata"
mount --bind "$metadata" "$root/metadata"
exec "$@"
`;

/** Begins a command that sees its root folder so. */
export function showPrograms({ root }: Jail, metadataSocket: string): string[] {
  const shell = ["/bin/sh", "-c", showing, "sh", root, dirname(metadataSocket)];
  return ["unshare", "--mount", "--propagation", "private", ...shell];
}

export const socketInJail = "/metadata/socket";

const metadataAddress = "169.254.169.254";

/**
 * A network that QEMU plays to its guest without any rights on the machine: nothing goes out, ports of the machine lead in,
 * and the metadata service answers by a program that is started for each connection (one that QEMU itself kept open would be
 * one stream for all connections of the guest). Both that service and the guest's address must be in what the guest takes for
 * its network: the smallest that has both.
 */
export function userNetwork(
  order: NetworkOrder,
  { forwards }: PreparedNetwork,
  metadataSocket: string,
): string {
  const own = numberOf(order.privateIp);
  const [base = order.privateIp] = order.subnetCidr.split("/");
  const mask = maskOver(own, numberOf(metadataAddress));
  const options = [
    "user,id=net,restrict=on,ipv6=off",
    `net=${addressOf(own & mask)}/${addressOf(mask)}`,
    `host=${addressOf(numberOf(base) + 1)}`,
    `dns=${addressOf(numberOf(base) + 2)}`,
    `dhcpstart=${order.privateIp}`,
    `hostname=${order.hostname}`,
    ...forwards.map(
      ({ address, port, to }) => `hostfwd=tcp:${address}:${port}-${order.privateIp}:${to}`,
    ),
    `guestfwd=tcp:${metadataAddress}:80-cmd:socat - UNIX-CONNECT:${metadataSocket}`,
  ];
  return options
    .map((option, index) => (index === 0 ? option : option.replaceAll(",", ",,")))
    .join(",");
}

function maskOver(one: number, other: number): number {
  const differs = Math.clz32(one ^ other);
  return differs === 0 ? 0 : -1 << (32 - differs);
}

const numberOf = (address: string) =>
  address.split(".").reduce((sum, part) => (sum << 8) | Number(part), 0);

const addressOf = (value: number) =>
  [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
