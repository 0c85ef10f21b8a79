import { orderView } from "#/model/plan-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { isTold } from "../views/access.ts";
import { orderViewOf } from "../views/plans.ts";

export const listOrders = defineCall({
  summary: "List orders",
  description: "Machines that were asked of sites, those given back too, the newest first.",
  tag: "orders",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(orderView),
  async run({ parts, project, caller, query }) {
    const { space, clock } = parts;
    const { limit, cursor } = query;
    // Machines for all projects are everybody's to see, and so is what root asks for by no project.
    const isAsked = (order: { name: string; project: string }) =>
      isTold({ project, caller }, order) && (cursor === undefined || order.name < cursor);
    const live = [...space.all("order")].filter(isAsked);
    const archived = await space.archived("order", {
      ...(caller.role !== "root" && { project }),
      limit: limit + 1,
      ...(cursor !== undefined && { before: cursor }),
    });
    const found = new Map([...archived, ...live].map((order) => [order.name, order]));
    const orders = [...found.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
    const items = orders.slice(0, limit).map((order) => orderViewOf(order, clock.now()));
    return orders.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});
