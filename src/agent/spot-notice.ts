import { textOf } from "#/base/body.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";

/** Where EC2, and what speaks its API, tells an instance about itself. */
const service = "http://169.254.169.254/latest";

/**
 * Asks the metadata service whether this spot instance will be taken away, and tells the moment once, as wall clock time
 * (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html). A service that does not
 * answer is asked again.
 */
export function watchForSpotNotice(
  { clock, network, log }: Pick<Host, "clock" | "network" | "log">,
  tell: (endsAt: number) => void,
  at = service,
): Loop {
  const ask = async (method: string, path: string, headers: Record<string, string>) => {
    const late = new AbortController();
    const timer = clock.after(limits.spotNoticeAnswerMs, () => late.abort(), true);
    try {
      const url = `${at}/${path}`;
      const { status, body } = await network.request({ method, url, headers, signal: late.signal });
      const text = await textOf(body);
      return status === 200 ? text : undefined;
    } finally {
      timer.cancel();
    }
  };
  const look = async () => {
    const token = await ask("PUT", "api/token", { "x-aws-ec2-metadata-token-ttl-seconds": "60" });
    if (token === undefined) return;
    const notice = await ask("GET", "meta-data/spot/instance-action", {
      "x-aws-ec2-metadata-token": token,
    });
    const endsAt = notice === undefined ? undefined : momentOf(notice);
    if (endsAt === undefined) return;
    loop.stop();
    log.warn("the provider takes this spot instance away", { at: new Date(endsAt).toISOString() });
    tell(endsAt);
  };
  const everyMs = limits.spotNoticeLookMs;
  const loop = startLoop("spot notice", () => look().catch(() => {}), { clock, log, everyMs });
  return loop;
}

/** Of {"action": "terminate", "time": "2026-09-18T08:22:00Z"}. */
function momentOf(notice: string): number | undefined {
  try {
    const ms = Date.parse((JSON.parse(notice) as { time: string }).time);
    return Number.isNaN(ms) ? undefined : ms;
  } catch {
    return undefined;
  }
}
