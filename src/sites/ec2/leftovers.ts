import type { EC2Client, Filter, Tag } from "@aws-sdk/client-ec2";
import type { Leftover } from "../site.ts";

type Sdk = typeof import("@aws-sdk/client-ec2");

/** What can be left behind, by what it is tagged with when it is made. */
export const taggedBeside = ["volume", "network-interface"] as const;

interface Parts {
  sdk: Sdk;
  client: EC2Client;
  /** Those that tell ours. */
  ours: Filter;
  /** Whose it is by its tags; undefined where it is another site's. */
  orderOf: (tags: readonly Tag[]) => string | undefined;
  ask: <T>(action: string, ask: () => Promise<T>) => Promise<T>;
  isWanted: (order: string) => boolean;
}

/** One sort of what an instance that was terminated may leave: how it is found, and how it goes. */
interface Sort {
  what: string;
  list(parts: Parts): Promise<{ id: string; tags: readonly Tag[] }[]>;
  remove(parts: Parts, id: string): Promise<unknown>;
}

/**
 * Deletes what instances have left that cost money and that no order wants: disks whose image does not say that they go
 * with their instance, interfaces with their addresses, instances that somebody has stopped, and requests for spot
 * instances, which could give another one. Key pairs and security groups are never made, only used.
 */
export async function sweepLeftovers(parts: Parts): Promise<Leftover[]> {
  const deleted: Leftover[] = [];
  for (const { what, list, remove } of sorts) {
    for (const { id, tags } of await list(parts)) {
      const order = parts.orderOf(tags);
      if (order === undefined || parts.isWanted(order)) continue;
      await parts.ask(`delete ${id}`, () => remove(parts, id));
      deleted.push({ order, what: `the ${what} ${id}` });
    }
  }
  return deleted;
}

const sorts: readonly Sort[] = [
  {
    what: "request for spot instances",
    async list({ sdk, client, ours, ask }) {
      const live: Filter = { Name: "state", Values: ["open", "active"] };
      const command = new sdk.DescribeSpotInstanceRequestsCommand({ Filters: [ours, live] });
      const answer = await ask("list requests for spot instances", () => client.send(command));
      return (answer.SpotInstanceRequests ?? []).map(({ SpotInstanceRequestId, Tags = [] }) => ({
        id: SpotInstanceRequestId!,
        tags: Tags,
      }));
    },
    remove: ({ sdk, client }, id) =>
      client.send(new sdk.CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] })),
  },
  {
    what: "stopped instance",
    async list({ sdk, client, ours, ask }) {
      const stopped: Filter = { Name: "instance-state-name", Values: ["stopping", "stopped"] };
      const command = new sdk.DescribeInstancesCommand({ Filters: [ours, stopped] });
      const answer = await ask("list stopped instances", () => client.send(command));
      return (answer.Reservations ?? [])
        .flatMap(({ Instances = [] }) => Instances)
        .map(({ InstanceId, Tags = [] }) => ({ id: InstanceId!, tags: Tags }));
    },
    remove: ({ sdk, client }, id) =>
      client.send(new sdk.TerminateInstancesCommand({ InstanceIds: [id] })),
  },
  {
    what: "disk",
    async list({ sdk, client, ours, ask }) {
      const command = new sdk.DescribeVolumesCommand({ Filters: [ours, unattached] });
      const answer = await ask("list disks", () => client.send(command));
      return (answer.Volumes ?? []).map(({ VolumeId, Tags = [] }) => ({
        id: VolumeId!,
        tags: Tags,
      }));
    },
    remove: ({ sdk, client }, id) => client.send(new sdk.DeleteVolumeCommand({ VolumeId: id })),
  },
  {
    what: "network interface",
    async list({ sdk, client, ours, ask }) {
      const command = new sdk.DescribeNetworkInterfacesCommand({ Filters: [ours, unattached] });
      const answer = await ask("list network interfaces", () => client.send(command));
      return (answer.NetworkInterfaces ?? []).map(({ NetworkInterfaceId, TagSet = [] }) => ({
        id: NetworkInterfaceId!,
        tags: TagSet,
      }));
    },
    remove: ({ sdk, client }, id) =>
      client.send(new sdk.DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })),
  },
];

/** One that no instance has: while one terminates, it still has its own. */
const unattached: Filter = { Name: "status", Values: ["available"] };
