import { volumeRequest } from "#/model/instance-request.ts";
import { volumeView } from "#/model/instance-views.ts";
import { region } from "#/model/region.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

export const createVolume = defineCall({
  summary: "Make a volume",
  description:
    "Empty, or as a snapshot has it. It is nowhere until it is attached for the first time.",
  tag: "volumes",
  role: "submitter",
  query: inProject,
  body: volumeRequest,
  answer: volumeView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const { volumes } = parts;
    const { sizeBytes, iops, bytesPerSecond, snapshot, zone = `${region}a`, tags } = body;
    const asked = {
      type: body.type,
      isEncrypted: body.isEncrypted,
      zone,
      tags: { ...tags, ...(body.name !== undefined && { Name: body.name }) },
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(iops !== undefined && { iops }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
      ...(snapshot !== undefined && { snapshot: volumes.findSnapshot(project, snapshot) }),
    };
    const name = await once(call, (tx) => volumes.createIn(tx, project, asked).name);
    return volumeViewOf(volumes.find(project, name));
  },
});
