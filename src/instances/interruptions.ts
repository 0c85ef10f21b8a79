import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { AwsError } from "#/model/aws-error.ts";
import { instanceTypes } from "#/model/instance-type.ts";
import type { InstanceMarket, InstanceRecord } from "#/model/instance.ts";
import type { SpotRequestRecord, SpotRequestStatus } from "#/model/spot-request.ts";
import type { Space } from "#/space/space.ts";
import { decide } from "./decisions.ts";
import type { Instances } from "./instances.ts";
import type { SpotRequests } from "./spot-requests.ts";
import type { SpotPrices } from "./spot.ts";

interface InterruptionParts {
  space: Space;
  instances: Pick<Instances, "start">;
  requests: Pick<SpotRequests, "evaluate">;
  prices: SpotPrices;
  clock: Clock;
  log: Log;
}

/**
 * Keeps spot requests as the price lets them be: starts what is open, gives notice to what costs more than it may, takes that away when
 * the notice is over, and starts again what is to last. A notice that was given stands, whatever the price does meanwhile.
 */
export class Interruptions {
  #parts: InterruptionParts;
  #loop: Loop | undefined;

  constructor(parts: InterruptionParts) {
    this.#parts = parts;
  }

  start(): void {
    const { clock, log } = this.#parts;
    const everyMs = limits.spotLookMs;
    this.#loop = startLoop("spot", () => this.turn(), { clock, log, everyMs });
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Looks once. */
  turn(): void {
    const { space, requests } = this.#parts;
    for (const instance of space.all("instance"))
      if (instance.spec.market) this.#look(instance, instance.spec.market);
    for (const request of space.all("spot-request")) {
      if (request.status.state === "open") requests.evaluate(request);
      else if (request.status.instance !== undefined) this.#follow(request);
    }
  }

  #look(instance: InstanceRecord, market: InstanceMarket): void {
    const { clock } = this.#parts;
    const { interruptionAt, state } = instance.status;
    if (instance.spec.wanted !== "running" || state === "terminated") return;
    if (interruptionAt !== undefined) {
      if (interruptionAt <= clock.now()) this.#take(instance, market);
      return;
    }
    const price = this.#priceOf(instance);
    if (price <= market.maxMicrosPerHour) return;
    const says = (micros: number) => (micros / 1e6).toFixed(6);
    this.#give(
      instance,
      market,
      `its price of ${says(price)} an hour is over its maximum of ${says(market.maxMicrosPerHour)}`,
    );
  }

  #priceOf({ spec }: InstanceRecord): number {
    const { space, prices } = this.#parts;
    const zone = space.get("subnet", spec.network.subnet)?.spec.zone ?? "";
    return prices.spotPriceOf(instanceTypes.get(spec.type)!, zone);
  }

  /** Its metadata tell of it from now on. */
  #give(instance: InstanceRecord, { onInterruption }: InstanceMarket, why: string): void {
    const { space, clock } = this.#parts;
    const now = clock.now();
    const interruptionAt = now + limits.spotNoticeMs;
    space.commit((tx) => {
      tx.put<"instance">({ ...instance, status: { ...instance.status, interruptionAt } });
      decide(tx, instance, {
        at: now,
        action: "warn",
        what: `told it that it will ${onInterruption} at ${new Date(interruptionAt).toISOString()}`,
        why: [why],
        flip: "a higher maximum price, or an on-demand instance",
      });
    });
  }

  #take(instance: InstanceRecord, { onInterruption, request }: InstanceMarket): void {
    const { space, clock } = this.#parts;
    const now = clock.now();
    const isEnd = onInterruption === "terminate";
    const code = isEnd ? "Server.SpotInstanceTermination" : "Server.SpotInstanceShutdown";
    const reason = { code, message: `${code}: Spot instance interruption` };
    space.commit((tx) => {
      tx.put<"instance">({
        ...instance,
        spec: {
          ...instance.spec,
          wanted: isEnd ? "terminated" : "stopped",
          ...(onInterruption === "hibernate" && { hibernates: true }),
        },
        status: {
          ...instance.status,
          state: isEnd ? "shutting-down" : "stopping",
          since: now,
          reason,
        },
      });
      const asker = tx.get("spot-request", request);
      if (asker?.status.state === "active")
        tx.put<"spot-request">({ ...asker, status: interrupted(asker, isEnd, now) });
      decide(tx, instance, {
        at: now,
        action: "end",
        what: `let it ${onInterruption}`,
        why: [`it was told ${limits.spotNoticeMs / 1000} s before`],
      });
    });
  }

  /** A request follows its instance: a lasting one begins anew when that is gone, others are over. */
  #follow(request: SpotRequestRecord): void {
    const { space, clock } = this.#parts;
    const { spec, status } = request;
    if (status.state !== "active" && status.state !== "disabled") return;
    const instance = space.get("instance", status.instance!);
    const state = instance?.status.state ?? "terminated";
    const now = clock.now();
    if (state === "terminated" || state === "shutting-down") {
      const { instance: _gone, ...kept } = status;
      const next: SpotRequestStatus =
        spec.type === "persistent"
          ? { ...kept, state: "open", code: "pending-evaluation", message: "", since: now }
          : {
              ...status,
              state: "closed",
              code: "instance-terminated-by-user",
              message: "",
              since: now,
            };
      space.commit((tx) => tx.put<"spot-request">({ ...request, status: next }));
    } else if (instance && status.state === "disabled" && state === "stopped")
      this.#resume(request, instance);
  }

  /** What the price stopped starts again when it allows that, and there is room. */
  #resume(request: SpotRequestRecord, instance: InstanceRecord): void {
    const { space, instances, clock } = this.#parts;
    if (this.#priceOf(instance) > request.spec.maxMicrosPerHour) return;
    try {
      const [started] = instances.start([instance]);
      space.commit((tx) => {
        const { interruptionAt: _over, ...status } = started!.status;
        tx.put<"instance">({ ...started!, status });
        tx.put<"spot-request">({
          ...request,
          status: {
            ...request.status,
            state: "active",
            code: "fulfilled",
            message: "Your Spot request is fulfilled.",
            since: clock.now(),
          },
        });
        decide(tx, instance, {
          at: clock.now(),
          action: "readmit",
          what: "started it again",
          why: ["its price is within its maximum again"],
        });
      });
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown; // there is no room yet
    }
  }
}

function interrupted(
  { spec, status }: SpotRequestRecord,
  isEnd: boolean,
  since: number,
): SpotRequestStatus {
  const message = "Your Spot instance was interrupted, as its price is over your maximum.";
  if (!isEnd)
    return { ...status, state: "disabled", code: "instance-stopped-by-price", message, since };
  const code = "instance-terminated-by-price";
  if (spec.type === "one-time") return { ...status, state: "closed", code, message, since };
  const { instance: _gone, ...kept } = status;
  return { ...kept, state: "open", code, message, since };
}
