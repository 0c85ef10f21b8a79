import { z } from "zod";
import type { InstanceRecord } from "#/model/instance.ts";
import { instanceView } from "#/model/instance-views.ts";
import { defineCall, type AnyDefinition } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

type Change = (
  instances: DoorParts["instances"],
  record: InstanceRecord,
) => readonly InstanceRecord[];

function changing(summary: string, description: string, change: Change): AnyDefinition {
  return defineCall({
    summary,
    description,
    tag: "instances",
    role: "submitter",
    params: instanceParams,
    query: inProject,
    body: z.strictObject({}).optional(),
    answer: instanceView,
    errors: ["not-found", "conflict", "no-capacity", "no-space"],
    run({ parts, project, params }) {
      const [record] = parts.instances.find(project, [params.instance]);
      const [changed] = change(parts.instances, record!);
      return instanceViewOf(changed!, instanceViewMeans(parts));
    },
  });
}

export const startInstance = changing(
  "Start an instance",
  "One that is stopped, where its volumes are. Nothing changes for one that runs.",
  (instances, record) => instances.start([record]),
);

export const stopInstance = changing(
  "Stop an instance",
  "It keeps its volumes and its private address. Nothing changes for one that is stopped.",
  (instances, record) => instances.stop([record]),
);

export const rebootInstance = changing(
  "Reboot an instance",
  "It stays on its machine, and keeps its addresses.",
  (instances, record) => instances.reboot([record]),
);

export const terminateInstance = changing(
  "Terminate an instance",
  "Nothing of it stays but the volumes that are to outlive it. It is told of for an hour more.",
  (instances, record) => instances.terminate([record]),
);
