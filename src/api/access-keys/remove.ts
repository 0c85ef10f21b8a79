import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { inProject, keyParams } from "../params.ts";

export const removeAccessKey = defineCall({
  summary: "Remove an access key",
  description: "What it signs is refused from this moment on.",
  tag: "access",
  role: "admin",
  params: keyParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    if (parts.space.get("access-key", params.key)?.project !== project) {
      throw new CanopyError(
        "not-found",
        `Cannot find the access key '${params.key}' in the project '${project}'`,
      );
    }
    await parts.space.commit((tx) => tx.delete("access-key", params.key)).durable;
  },
});
