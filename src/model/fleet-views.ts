import { z } from "zod";
import { decisionView, orderView } from "./plan-views.ts";
import { autonomicPolicyInput } from "./policy-views.ts";

/** What the API answers about machines that a project's jobs share; see views.ts for the habits. */
export const fleetView = z.object({
  project: z.string(),
  /** Absent where the project's policy has no fleet. */
  policy: autonomicPolicyInput.shape.fleet,
  /** Tasks of jobs without a goal that would begin at once if there were more machines. */
  waiting: z.int().min(0),
  /** Orders of it that are not at their end. */
  orders: z.array(orderView),
  /** The most that its machines can be billed for in any hour from now on. Absent where a price is not known. */
  costPerHourMax: z.string().optional(),
  /** What was decided for it, the newest first. */
  decisions: z.array(decisionView),
});
export type FleetView = z.output<typeof fleetView>;
