import { defineCall } from "../call.ts";
import { inProject, keyPairParams } from "../params.ts";

export const removeKeyPair = defineCall({
  summary: "Delete a key pair",
  description: "Instances that were launched with it keep it.",
  tag: "instances",
  role: "submitter",
  params: keyPairParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  run({ parts, project, params }) {
    const { keys } = parts.networks;
    keys.delete(keys.find(project, { title: params.keyPair }));
  },
});
