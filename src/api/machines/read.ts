import { machineView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { findMachine, instancesByMachine, machineViewOf } from "../views/machines.ts";

export const readMachine = defineCall({
  summary: "Read a machine",
  tag: "machines",
  role: "viewer",
  params: machineParams,
  query: inProject,
  answer: machineView,
  revision: "told",
  errors: ["not-found"],
  async run({ parts, params, reply }) {
    const machine = findMachine(parts.space, params.machine);
    tellRevision(reply, machine);
    return machineViewOf(
      machine,
      parts.scheduler.machines().find((state) => state.machine === machine.name),
      {
        slowness: parts.knowledge.slownessOf(machine),
        instances: instancesByMachine(parts.space).get(machine.name) ?? 0,
      },
    );
  },
});
