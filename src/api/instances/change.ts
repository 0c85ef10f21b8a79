import { z } from "zod";
import { changeInstance } from "#/instances/change-instance.ts";
import { AwsError } from "#/model/aws-error.ts";
import { tagsRequest } from "#/model/instance-request.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import { instanceView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

export const changeInstanceCall = defineCall({
  summary: "Change an instance",
  description:
    "What is left out stays. Its type can be changed while it is stopped; `tags` are all that it is to have.",
  tag: "instances",
  role: "submitter",
  params: instanceParams,
  query: inProject,
  body: z.strictObject({
    type: z.string().min(1).max(100).optional(),
    isTerminationProtected: z.boolean().optional(),
    isStopProtected: z.boolean().optional(),
    isRecovered: z.boolean().optional(),
    onShutdown: z.enum(["stop", "terminate"]).optional(),
    tags: tagsRequest.optional(),
  }),
  answer: instanceView,
  errors: ["not-found", "conflict", "no-space"],
  run({ parts, project, params, body }) {
    const [record] = parts.instances.find(project, [params.instance]);
    const { type, isTerminationProtected, isStopProtected, isRecovered, onShutdown, tags } = body;
    const changed = changeInstance(parts.space, record!, {
      ...(type !== undefined && { type: typeFor(record!, type) }),
      ...(isTerminationProtected !== undefined && { isTerminationProtected }),
      ...(isStopProtected !== undefined && { isStopProtected }),
      ...(isRecovered !== undefined && { isRecovered }),
      ...(onShutdown !== undefined && { onShutdown }),
      ...(tags && { tags }),
    });
    return instanceViewOf(changed, instanceViewMeans(parts));
  },
});

/** Of its own kind: what it has kept is of no use to another. */
function typeFor({ spec }: InstanceRecord, name: string): InstanceType {
  const type = instanceTypes.get(name);
  if (type?.kind === spec.kind) return type;
  throw new AwsError(
    "InvalidParameterValue",
    400,
    type
      ? `The instance is a ${spec.kind}, and cannot become ${name}, which is a ${type.kind}.`
      : `Invalid value '${name}' for InstanceType.`,
    { hint: `canopy instances types --kind ${spec.kind}` },
  );
}
