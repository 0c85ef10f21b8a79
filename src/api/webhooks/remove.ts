import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { inProject, webhookParams } from "../params.ts";

export const removeWebhook = defineCall({
  summary: "Remove a webhook",
  description: "What it was to be told is dropped.",
  tag: "buckets",
  role: "admin",
  params: webhookParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    const name = `${project}/${params.webhook}`;
    if (!parts.space.get("webhook", name))
      throw new CanopyError(
        "not-found",
        `Cannot find the webhook '${params.webhook}' in the project '${project}'`,
        { hint: "canopy webhook list" },
      );
    await parts.space.commit((tx) => tx.delete("webhook", name)).durable;
  },
});
