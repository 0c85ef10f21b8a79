import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import { instanceEvents } from "#/model/instance-event.ts";
import { tagsRequest } from "#/model/instance-request.ts";
import { eventSubscriptionView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { placeAsked, placeToTell } from "../notifications/place-asked.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { eventSubscriptionViewOf } from "../views/instances.ts";

export const createEventSubscription = defineCall({
  summary: "Have a webhook or a queue told of what happens to instances",
  description:
    "Of the states that they come into, and two minutes ahead of the interruption of a spot instance, in EventBridge's words; of all events and instances of the project where none are named. What happens from now on is told.",
  tag: "instances",
  role: "admin",
  query: inProject,
  body: z.strictObject({
    ...placeAsked,
    events: z.array(z.enum(instanceEvents)).min(1).max(instanceEvents.length).optional(),
    /** Of these alone. */
    instances: z.array(z.string()).min(1).max(limits.eventInstancesMax).optional(),
    /** Of those that have all of these when it happens. */
    tags: tagsRequest.optional(),
  }),
  answer: eventSubscriptionView,
  status: 201,
  errors: ["not-found", "limited", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const { space, clock } = parts;
    const { events = instanceEvents, instances, tags } = body;
    const to = placeToTell(parts, project, body);
    parts.instances.find(project, instances ?? []);
    const name = await once(call, (tx) => {
      if (space.count("event-subscription", project) >= limits.eventSubscriptionsMax)
        throw new CanopyError(
          "limited",
          `Cannot have more told of instances as a project has at most ${limits.eventSubscriptionsMax} subscriptions`,
          { hint: "canopy instances untell SUBSCRIPTION" },
        );
      const isTaken = (id: string) =>
        tx.get("event-subscription", `${project}/${id}`) !== undefined;
      return tx.put<"event-subscription">({
        kind: "event-subscription",
        project,
        name: `${project}/${newId("e", parts, isTaken)}`,
        spec: {
          to,
          events: instanceEvents.filter((event) => events.includes(event)),
          ...(instances && { instances }),
          ...(tags && { tags }),
          createdAt: clock.now(),
        },
        status: {},
      }).name;
    });
    const made = space.get("event-subscription", name);
    if (made) return eventSubscriptionViewOf(made, parts.places);
    throw new CanopyError(
      "not-found",
      "Cannot tell this subscription again as it was removed since",
    );
  },
});
