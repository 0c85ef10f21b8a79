import type { Access } from "#/access/access.ts";
import { within, type Clock } from "#/base/clock.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop } from "#/base/loop.ts";
import type { Network } from "#/base/network.ts";
import { withHours, type CarbonZoneRecord, type HourlyGrams } from "#/model/carbon-zone.ts";
import { intensitiesOfAnswer } from "#/model/intensities.ts";
import type { Space } from "#/space/space.ts";
import { hourMs } from "#/model/units.ts";

export interface AskingParts {
  space: Space;
  clock: Clock;
  log: Log;
  network: Pick<Network, "request">;
  access: Pick<Access, "unseal">;
}

/** What the token of a zone is sealed for. */
export function sealedForZone(zone: string): string {
  return `the carbon zone '${zone}'`;
}

/**
 * Asks for the intensities of every zone that says where, again and again, and lays them over what is known.
 * Who does not answer is asked again; meanwhile the forecast goes on from what was told last.
 */
export function startAsking({ space, clock, log, network, access }: AskingParts): { stop(): void } {
  const turn = async () => {
    const zones = [...space.list("carbon-zone")].filter((zone) => isDue(zone, clock.now()));
    await Promise.all(zones.map((zone) => look(zone)));
  };
  const look = async (zone: CarbonZoneRecord) => {
    let hours: HourlyGrams = new Map();
    let reason: string | undefined;
    try {
      const token = zone.spec.sealed && access.unseal(zone.spec.sealed, sealedForZone(zone.name));
      const asked = answerOf(network, urlOf(zone.spec.url!, clock.now()), token);
      const answer = await within(clock, limits.carbonAnswerMs, asked);
      if (answer === undefined) throw new CanopyError("timeout", `it did not answer in time`);
      hours = intensitiesOfAnswer(answer);
    } catch (thrown) {
      reason = messageOf(thrown);
      if (zone.status.reason !== reason)
        log.warn(`nobody told how clean the power of ${zone.name} is`, { reason });
    }
    const now = clock.now();
    await space.commit((tx) => {
      const newest = tx.get("carbon-zone", zone.name);
      if (!newest || newest.spec.url !== zone.spec.url) return;
      const known = withHours(newest.status, hours, Math.floor(now / hourMs));
      const status = { ...known, askedAt: now, ...(reason !== undefined && { reason }) };
      tx.put<"carbon-zone">({ ...newest, status });
    }).durable;
  };
  const loop = startLoop("carbon", turn, { clock, log, everyMs: limits.carbonLookMs });
  const unfollow = space.onApplied((changes) => {
    const isNew = changes.some(
      ({ record }) => record.kind === "carbon-zone" && isDue(record, clock.now()),
    );
    if (isNew) loop.wake();
  });
  loop.wake();
  return {
    stop() {
      unfollow();
      loop.stop();
    },
  };
}

/** A clock that was set back leaves no zone unasked. */
function isDue({ spec, status }: CarbonZoneRecord, now: number): boolean {
  if (spec.url === undefined) return false;
  const sinceMs = now - (status.askedAt ?? -Infinity);
  return sinceMs >= limits.carbonAskMs || sinceMs < 0;
}

/** `{now}` as the Carbon Intensity API takes instants: "2026-11-23T02:30Z". */
function urlOf(url: string, now: number): string {
  return url.replaceAll(/\{now\}|%7Bnow%7D/g, `${new Date(now).toISOString().slice(0, 16)}Z`);
}

async function answerOf(
  network: Pick<Network, "request">,
  url: string,
  token: string | undefined,
): Promise<unknown> {
  const { status, body } = await network.request({
    method: "GET",
    url,
    headers: { accept: "application/json", ...(token !== undefined && { "auth-token": token }) },
  });
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > limits.carbonAnswerBytesMax)
      throw new CanopyError(
        "too-large",
        `its answer has more than ${limits.carbonAnswerBytesMax} bytes`,
      );
    pieces.push(piece);
  }
  const text = Buffer.concat(pieces).toString();
  if (status !== 200)
    throw new CanopyError("unavailable", `it answered ${status}: ${text.slice(0, answerShown)}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new CanopyError("invalid", `its answer is no JSON: ${text.slice(0, answerShown)}`);
  }
}

const answerShown = 200;
