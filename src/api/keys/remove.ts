import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { inProject, keyParams } from "../params.ts";

export const removeKey = defineCall({
  summary: "Remove a key",
  description: "It opens nothing from this moment on.",
  tag: "access",
  role: "admin",
  params: keyParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    const name = `${project}/${params.key}`;
    if (!parts.space.get("key", name)) {
      throw new CanopyError(
        "not-found",
        `Cannot find the key '${params.key}' in the project '${project}'`,
        { hint: "canopy key list" },
      );
    }
    await parts.space.commit((tx) => tx.delete("key", name)).durable;
  },
});
