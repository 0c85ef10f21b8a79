import type { HostingMeans, HostingParts } from "#/agent/instances/options.ts";
import { messageOf } from "#/base/errors.ts";
import { openContainers } from "#/drivers/container/open-containers.ts";
import { openDisks } from "#/drivers/instances/disks/disks.ts";
import { openNetworks, type NetworksWish } from "#/drivers/instances/networks/open-networks.ts";
import { openVms } from "#/drivers/vm/open-vms.ts";

/** Looks at what this computer can do for instances, and opens what they are made with. What fails of it takes no other away. */
export async function openHosting(
  parts: HostingParts,
  { storages, ...wish }: NetworksWish & { storages: Readonly<Record<string, string>> },
): Promise<HostingMeans> {
  const [vms, containers, { networks, missing }] = await Promise.all([
    openVms(parts, parts.folder).catch((thrown: unknown) => ({
      driver: undefined,
      hasKvm: false,
      missing: [`virtual machines: ${messageOf(thrown)}`],
    })),
    openContainers(parts).catch((thrown: unknown) => ({
      driver: undefined,
      missing: [`containers: ${messageOf(thrown)}`],
    })),
    openNetworks(parts, wish),
  ]);
  const drivers = [containers.driver, vms.driver].filter((driver) => driver !== undefined);
  return {
    drivers,
    disks: await openDisks({ ...parts, storages }),
    networks,
    abilities: {
      kinds: drivers.flatMap(({ kinds }) => kinds),
      hasKvm: vms.hasKvm,
      networks: networks.type,
      storages: Object.keys(storages),
      missing: [...containers.missing, ...vms.missing, ...missing],
    },
  };
}
