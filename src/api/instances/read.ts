import { instanceView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

export const readInstance = defineCall({
  summary: "Read an instance",
  tag: "instances",
  role: "viewer",
  params: instanceParams,
  query: inProject,
  answer: instanceView,
  errors: ["not-found"],
  run({ parts, project, params }) {
    const [record] = parts.instances.find(project, [params.instance]);
    return instanceViewOf(record!, instanceViewMeans(parts));
  },
});
