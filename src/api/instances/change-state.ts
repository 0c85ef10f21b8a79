import { z } from "zod";
import type { InstanceRecord } from "#/model/instance.ts";
import { instanceView } from "#/model/instance-views.ts";
import { defineCall, type AnyDefinition } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

type Change<Asked> = (
  instances: DoorParts["instances"],
  record: InstanceRecord,
  asked: Asked | undefined,
) => readonly InstanceRecord[];

const nothing = z.strictObject({});

function changing<Asked = object>(
  summary: string,
  description: string,
  change: Change<Asked>,
  body: z.ZodType<Asked> = nothing as never,
): AnyDefinition {
  return defineCall({
    summary,
    description,
    tag: "instances",
    role: "submitter",
    params: instanceParams,
    query: inProject,
    body: body.optional(),
    answer: instanceView,
    errors: ["not-found", "conflict", "no-capacity", "no-space"],
    run({ parts, project, params, body: asked }) {
      const [record] = parts.instances.find(project, [params.instance]);
      const [changed] = change(parts.instances, record!, asked);
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
  "It keeps its volumes and its private address; one that hibernates its memory too, and goes on with that when it is started. Nothing changes for one that is stopped.",
  (instances, record, asked) =>
    instances.stop([record], { hibernates: asked?.hibernates === true }),
  z.strictObject({ hibernates: z.boolean().optional() }),
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
