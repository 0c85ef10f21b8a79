import { z } from "zod";
import { machineView, pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { instancesByMachine, machineViewOf } from "../views/machines.ts";

export const listMachines = defineCall({
  summary: "List machines",
  description: "By name. Machines serve every project.",
  tag: "machines",
  role: "viewer",
  query: pageQuery.extend({ connected: z.enum(["true", "false"]).optional() }),
  answer: pageOf(machineView),
  async run({ parts, query }) {
    const { limit, cursor, connected } = query;
    const soft = new Map(parts.scheduler.machines().map((state) => [state.machine, state]));
    const instances = instancesByMachine(parts.space);
    const views = [...parts.space.list("machine")]
      .filter(({ name }) => cursor === undefined || name > cursor)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((machine) =>
        machineViewOf(machine, soft.get(machine.name), {
          slowness: parts.knowledge.slownessOf(machine),
          instances: instances.get(machine.name) ?? 0,
        }),
      )
      .filter((view) => connected === undefined || view.connected === (connected === "true"));
    const items = views.slice(0, limit);
    return views.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
