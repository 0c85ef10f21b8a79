import { eventSubscriptionView } from "#/model/instance-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { eventSubscriptionViewOf } from "../views/instances.ts";

export const listEventSubscriptions = defineCall({
  summary: "List who is told of what happens to instances",
  description: "All of them: there are at most a hundred.",
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: pageOf(eventSubscriptionView),
  run({ parts, project }) {
    const all = parts.space.list("event-subscription", project);
    return { items: [...all].map((one) => eventSubscriptionViewOf(one, parts.places)) };
  },
});
