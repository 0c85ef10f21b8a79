import { indexOfTask } from "#/model/task.ts";
import type { TaskOffer } from "#/model/wire.ts";

/** What a member of a gang is told of itself and the others. */
export interface GangPlace {
  /** Its number among them, from 0. */
  rank: number;
  size: number;
  /** By rank: where each runs; "" for one that does not at this moment. */
  hosts: string[];
  /** The first of `size` TCP ports that the gang may use to meet. */
  port: number;
}

/** Undefined for a task that is in no gang. */
export function gangPlaceOf({ task, gang }: TaskOffer): GangPlace | undefined {
  if (!gang) return undefined;
  const hosts = gang.hosts.flatMap(([host, count]) => Array<string>(count).fill(host));
  return { rank: indexOfTask(task), size: hosts.length, hosts, port: gang.port };
}

/** The same as a program finds it in its environment. */
export function gangEnvironment(offer: TaskOffer): Record<string, string> {
  const place = gangPlaceOf(offer);
  if (!place) return {};
  return {
    CANOPY_GANG_RANK: String(place.rank),
    CANOPY_GANG_SIZE: String(place.size),
    CANOPY_GANG_HOSTS: place.hosts.join(","),
    CANOPY_GANG_PORT: String(place.port),
  };
}
