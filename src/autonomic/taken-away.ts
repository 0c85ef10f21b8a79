import { fleetName } from "#/model/policy.ts";
import type { Space } from "#/space/space.ts";
import { decide } from "./decide.ts";

/**
 * Writes down which machines their providers have said that they take away. These get no more tasks already; what is to
 * take their place is bought as for any that are gone, and each is given back when it is empty.
 */
export function noteTakenAway(space: Space, now: number): void {
  for (const { name, status } of space.all("order")) {
    if (status.phase !== "joined" || status.takenAt !== undefined) continue;
    const machine = space.get("machine", status.machine ?? "");
    const takenAt = machine?.status.endsAt;
    if (takenAt === undefined) continue;
    space.commit((tx) => {
      const order = tx.get("order", name);
      if (order?.status.phase !== "joined") return;
      tx.put<"order">({ ...order, status: { ...order.status, takenAt } });
      const { site, offer, job = fleetName(order.project) } = order.spec;
      decide(
        tx,
        { project: order.project, name: job },
        {
          at: now,
          action: "warn",
          what: `hands nothing more to ${machine!.name}`,
          why: [`${site} takes it away at ${new Date(takenAt).toISOString()}, by its own notice`],
          ...(offer.market === "spot" && {
            flip: "an on-demand machine would have stayed: markets: [on-demand] in its policy",
          }),
          subject: name,
        },
      );
    });
  }
}
