import { z } from "zod";
import { Hosts } from "#/instances/place.ts";
import { instanceKinds, instanceTypes } from "#/model/instance-type.ts";
import { instanceTypeView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { instanceTypeViewOf } from "../views/instances.ts";

export const listInstanceTypes = defineCall({
  summary: "List types of instances",
  description:
    "What each has, what it costs for an hour by the price list, and how many more of it there is room for now.",
  tag: "instances",
  role: "viewer",
  query: inProject.extend({ kind: z.enum(instanceKinds).optional() }),
  answer: z.object({ items: z.array(instanceTypeView) }),
  run({ parts, project, query }) {
    const { space, scheduler, currency } = parts;
    const hosts = new Hosts(space, scheduler);
    const types = [...instanceTypes.values()].filter(
      ({ kind }) => query.kind === undefined || kind === query.kind,
    );
    return {
      items: types.map((type) =>
        instanceTypeViewOf(type, { currency, room: hosts.room(type, project) }),
      ),
    };
  },
});
