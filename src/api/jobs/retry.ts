import { openOrders } from "#/autonomic/machines.ts";
import { spentSoon } from "#/autonomic/soon.ts";
import { retryInput } from "#/model/plan-views.ts";
import { jobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { answerBefore, once } from "../once.ts";
import { inProject, jobParams } from "../params.ts";
import { findJob, foldJob, jobViewOf, stepsOf } from "../views/jobs.ts";
import { budgetOf } from "../views/policy.ts";
import { confinedAgain, whileOvertaken } from "./confined.ts";
import { goalAgain } from "./goals.ts";

export const retryJob = defineCall({
  summary: "Retry a job",
  description:
    "Its failed and cancelled tasks run again, under the same names; what has succeeded stays, and what it has cost. With `deadlineMs`, from now on, and `budget`, for all that it has cost and will, these are its goal from now on; null is to do without. Refused as 'infeasible' where its deadline has passed, or its budget is spent or as good as, and no other is given.",
  tag: "jobs",
  role: "submitter",
  params: jobParams,
  query: inProject,
  body: retryInput.optional(),
  answer: jobView,
  errors: ["not-found", "conflict", "infeasible", "no-space"],
  async run(call) {
    const { parts, project, caller, params, body = {} } = call;
    const { space, clock, currency } = parts;
    const { deadlineMs, budget } = body;
    const change = {
      deadlineMs,
      budgetMicros: typeof budget === "string" ? budgetOf(budget, currency) : budget,
    };
    if (answerBefore(call) === undefined) parts.pace.requireTurn(caller);
    const job = await findJob(parts, project, params.job);
    const steps = await stepsOf(parts, job);
    const field = { space, field: parts.scheduler };
    const machine = (name: string) => space.get("machine", name);
    if (answerBefore(call) === undefined)
      await whileOvertaken(async () => {
        const mark = await confinedAgain(space, job);
        await parts.jobs.retryJob(space, params.job, (reopen) =>
          once(call, (tx) => {
            const reopened = reopen(tx);
            mark(tx);
            const orders = openOrders(space, job.name);
            const spentMicros = foldJob(parts, reopened, steps).usage.costMicros;
            const now = clock.now();
            const goal = goalAgain(tx, reopened, change, {
              now,
              spentMicros,
              soon: spentSoon(field, { job: reopened, steps, orders, machine }, now),
              currency,
            });
            const { goal: _, ...spec } = reopened.spec;
            tx.put<"job">({ ...reopened, spec: { ...spec, ...(goal && { goal }) } });
            parts.pace.takeTurn(caller);
            return params.job;
          }),
        );
      }).catch((thrown: unknown) => {
        // The same call, sent twice at once, came first.
        if (answerBefore(call) === undefined) throw thrown;
      });
    await parts.space.durable();
    return jobViewOf(await findJob(parts, project, params.job));
  },
});
