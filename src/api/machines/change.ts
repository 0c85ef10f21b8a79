import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { machineView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import { findMachine, machineViewOf } from "../views/machines.ts";

export const changeMachine = defineCall({
  summary: "Change a machine",
  description:
    "A cordoned machine gets no new tasks; what runs there goes on. A label given as null is taken away. With If-Match, only the revision that GET gave as ETag is changed.",
  tag: "machines",
  role: "root",
  params: machineParams,
  query: inProject,
  body: z.strictObject({
    cordoned: z.boolean().optional(),
    labels: z.record(z.string().min(1).max(100), z.string().max(200).nullable()).optional(),
  }),
  answer: machineView,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, params, body, request, reply }) {
    const expected = request.headers["if-match"];
    const committed = parts.space.commit((tx) => {
      const machine = tx.get("machine", params.machine) ?? findMachine(parts.space, params.machine);
      if (expected !== undefined && expected !== "*" && expected !== `"${machine.revision}"`) {
        throw new CanopyError(
          "conflict",
          `Cannot change the machine '${machine.name}' as it has changed since: If-Match must be "${machine.revision}", it is ${expected}`,
          { hint: "Read it again, then change it" },
        );
      }
      const { cordoned = machine.spec.cordoned, labels: changed = {} } = body;
      const labels = { ...machine.spec.labels };
      for (const [label, value] of Object.entries(changed)) {
        if (value === null) delete labels[label];
        else labels[label] = value;
      }
      return tx.put<"machine">({ ...machine, spec: { ...machine.spec, cordoned, labels } });
    });
    await committed.durable;
    reply.header("etag", `"${committed.value.revision}"`);
    return machineViewOf(
      committed.value,
      parts.scheduler.machines().find((state) => state.machine === params.machine),
    );
  },
});
