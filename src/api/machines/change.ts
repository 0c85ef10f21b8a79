import { z } from "zod";
import { machineView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { findMachine, instancesByMachine, machineViewOf } from "../views/machines.ts";

export const changeMachine = defineCall({
  summary: "Change a machine",
  description:
    "A cordoned machine gets no new tasks; what runs there goes on. A label given as null is taken away.",
  tag: "machines",
  role: "root",
  params: machineParams,
  query: inProject,
  body: z.strictObject({
    cordoned: z.boolean().optional(),
    labels: z.record(z.string().min(1).max(100), z.string().max(200).nullable()).optional(),
  }),
  answer: machineView,
  revision: "expected",
  errors: ["not-found", "no-space"],
  async run({ parts, params, body, request, reply }) {
    const committed = parts.space.commit((tx) => {
      const machine = tx.get("machine", params.machine) ?? findMachine(parts.space, params.machine);
      requireRevision(request, machine);
      const { cordoned = machine.spec.cordoned, labels: changed = {} } = body;
      const labels = { ...machine.spec.labels };
      for (const [label, value] of Object.entries(changed)) {
        if (value === null) delete labels[label];
        else labels[label] = value;
      }
      const { standing, ...spec } = machine.spec;
      // who opens it by hand trusts it
      const kept = standing && body.cordoned !== false ? { standing } : {};
      return tx.put<"machine">({ ...machine, spec: { ...spec, ...kept, cordoned, labels } });
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return machineViewOf(
      committed.value,
      parts.scheduler.machines().find((state) => state.machine === params.machine),
      {
        slowness: parts.knowledge.slownessOf(committed.value),
        instances: instancesByMachine(parts.space).get(committed.value.name) ?? 0,
      },
    );
  },
});
