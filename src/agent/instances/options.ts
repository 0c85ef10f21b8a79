import type { Host } from "#/base/host.ts";
import type { BlobAccess } from "#/drivers/driver.ts";
import type { Disks, InstanceDriver, Networks } from "#/drivers/instance-driver.ts";
import type { HostAbilities } from "#/model/hosting.ts";

/** What an agent hosts instances with. */
export interface HostingMeans {
  drivers: readonly InstanceDriver[];
  disks: Disks;
  networks: Networks;
  abilities: HostAbilities;
}

export interface HostingParts extends Pick<
  Host,
  "clock" | "files" | "processes" | "sockets" | "log" | "random" | "network"
> {
  /** What instances, volumes and images are kept in. */
  folder: string;
  blobs: BlobAccess;
  /** The address of this machine under which others reach it. */
  address: string;
  /** Tells what is this agent's from what is another's on the same computer: made of its folder. */
  mark: string;
}

/** Looks at what this computer can do, and opens it. */
export type OpenHosting = (parts: HostingParts) => Promise<HostingMeans>;
