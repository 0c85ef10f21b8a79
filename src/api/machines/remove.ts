import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { findMachine } from "../views/machines.ts";

export const removeMachine = defineCall({
  summary: "Remove a machine",
  description:
    "Its key opens nothing any more and its link is cut; what it held runs elsewhere when its leases are over.",
  tag: "machines",
  role: "root",
  params: machineParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, params }) {
    const { name } = findMachine(parts.space, params.machine);
    await parts.space.commit((tx) => tx.delete("machine", name)).durable;
    parts.relay.cut(name, "this machine was removed");
  },
});
