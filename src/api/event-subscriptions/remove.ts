import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";
import { eventSubscriptionParams, inProject } from "../params.ts";

export const removeEventSubscription = defineCall({
  summary: "Tell somebody no longer of what happens to instances",
  description: "What has happened before is still told.",
  tag: "instances",
  role: "admin",
  params: eventSubscriptionParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    const name = `${project}/${params.subscription}`;
    if (!parts.space.get("event-subscription", name))
      throw new CanopyError(
        "not-found",
        `Cannot find the subscription '${params.subscription}' in the project '${project}'`,
        { hint: "canopy instances told" },
      );
    await parts.space.commit((tx) => tx.delete("event-subscription", name)).durable;
  },
});
