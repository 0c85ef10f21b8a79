import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { requireRevision } from "../revisions.ts";
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
  revision: "expected",
  errors: ["not-found", "no-space"],
  async run({ parts, params, request }) {
    const machine = findMachine(parts.space, params.machine);
    const { name } = machine;
    await parts.space.commit((tx) => {
      requireRevision(request, machine);
      tx.delete("machine", name);
    }).durable;
    parts.relay.cut(name, "this machine was removed");
  },
});
