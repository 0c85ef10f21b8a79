import { z } from "zod";
import { evacuatedView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { findMachine } from "../views/machines.ts";

export const evacuateMachine = defineCall({
  summary: "Evacuate a machine",
  description:
    "It is cordoned. VMs that run there move to other machines, running; what cannot, and has its volumes on shared storage, is stopped and started elsewhere; what stays is told with the reason. May be called again.",
  tag: "machines",
  role: "root",
  params: machineParams,
  query: inProject,
  body: z.strictObject({}).optional(),
  answer: evacuatedView,
  errors: ["not-found", "no-space"],
  run({ parts, params }) {
    const { name } = findMachine(parts.space, params.machine);
    return { machine: name, ...parts.evacuation.begin(name) };
  },
});
