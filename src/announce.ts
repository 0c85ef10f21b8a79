import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Members } from "#/api/members.ts";
import type { ControlPlaneView } from "#/model/views.ts";
import type { Standing } from "#/space/leadership.ts";

/** Tells the leader of this control plane while it follows, and learns from it of the others. */
export function startAnnouncing(
  { clock, network, log }: Pick<Host, "clock" | "network" | "log">,
  parts: { standing: Standing; members: Members; rootToken: string },
): Loop {
  const { standing, members, rootToken } = parts;
  const turn = async () => {
    const { leader } = standing;
    if (standing.isLeading || !leader) return;
    const { url, sequence, behindMs } = members.own();
    const patience = new AbortController();
    const timer = clock.after(limits.announceMs, () => patience.abort(), true);
    const response = await network
      .request({
        method: "POST",
        url: `${leader.url}/v1/control-planes`,
        headers: { authorization: `Bearer ${rootToken}`, "content-type": "application/json" },
        body: JSON.stringify({ url, sequence, behindMs }),
        signal: patience.signal,
      })
      .catch(() => undefined)
      .finally(() => timer.cancel());
    if (response?.status !== 200) return;
    const pieces = await Array.fromAsync(response.body);
    const told = JSON.parse(Buffer.concat(pieces).toString()) as {
      controlPlanes: ControlPlaneView[];
    };
    members.learn(told.controlPlanes);
  };
  const loop = startLoop("announce", turn, { clock, log, everyMs: limits.announceMs });
  void standing.changed().then(() => loop.wake());
  return loop;
}
