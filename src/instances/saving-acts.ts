import type { DoableSavingRule } from "#/model/saving.ts";
import type { Space } from "#/space/space.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { counted } from "#/model/units.ts";
import type { Instances } from "./instances.ts";
import { removeOrphan } from "./orphans.ts";
import { deleteSnapshot } from "./snapshots.ts";
import type { SpotRequests } from "./spot-requests.ts";
import type { Volumes } from "./volumes.ts";

interface SavingActParts {
  space: Space;
  volumes: Pick<Volumes, "delete" | "snapshot">;
  requests: Pick<SpotRequests, "cancel">;
  instances: Pick<Instances, "stop">;
}

/** On a snapshot that was taken so that its volume may go: the revision of the volume that it is of. */
const savedTag = "canopy:saved-revision";

/** Does the next thing that ends something which serves nobody. Each may be done again. */
export function savingActs({ space, volumes, requests, instances }: SavingActParts) {
  return ({ subject, rule }: { subject: string; rule: DoableSavingRule }): string | undefined => {
    switch (rule) {
      case "unattached-volume":
        return putAway(space, volumes, space.get("volume", subject)!);
      case "stale-snapshot":
        deleteSnapshot(space, space.get("snapshot", subject)!);
        return "deleted it";
      case "orphaned-image-data": {
        const { manifests, blobs } = removeOrphan(space, subject).status.removal!;
        return `removes it: ${counted(manifests.length, "disk")} and ${counted(blobs.length, "file")}`;
      }
      case "forgotten-request":
        requests.cancel(space.get("spot-request", subject)!);
        return "cancelled it";
      case "idle-instance":
        return putToRest(instances, space.get("instance", subject)!);
    }
  };
}

/** Never terminated: its disks and its addresses stay, and its memory where it may keep that. */
function putToRest(instances: SavingActParts["instances"], record: InstanceRecord): string {
  const hibernates = record.spec.mayHibernate === true;
  instances.stop([record], { hibernates, reason: stoppedAsIdle });
  return hibernates ? "stopped it, with its memory kept" : "stopped it";
}

const stoppedAsIdle = {
  code: "Client.UserInitiatedShutdown",
  message:
    "Client.UserInitiatedShutdown: Stopped by the project's policy as it was idle (savings.idle-instance)",
};

/** What a volume holds is kept before it is deleted: as it is now, not as it was before somebody used it once more. */
function putAway(
  space: Space,
  volumes: SavingActParts["volumes"],
  volume: VolumeRecord,
): string | undefined {
  const revision = String(volume.revision);
  const kept = [...space.all("snapshot")].find(
    ({ spec, status }) =>
      spec.volume === volume.name && spec.tags[savedTag] === revision && status.state !== "error",
  );
  if (!kept) {
    const { name } = volumes.snapshot(volume, {
      description: `What ${volume.name} held when it was deleted as no instance had it`,
      tags: { ...volume.spec.tags, [savedTag]: revision },
    });
    return `takes the snapshot ${name} of it, and deletes it after that`;
  }
  if (kept.status.state !== "completed") return undefined;
  volumes.delete(volume);
  return `deleted it: what it held is in ${kept.name}`;
}
