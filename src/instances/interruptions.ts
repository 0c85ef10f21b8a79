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
import { giveNotice, takeAway } from "./spot-notice.ts";
import { stillThere } from "./spot-room.ts";
import type { SpotMarket, SpotPrices } from "./spot.ts";

interface InterruptionParts {
  space: Space;
  instances: Pick<Instances, "start">;
  requests: Pick<SpotRequests, "evaluate">;
  prices: SpotPrices & Pick<SpotMarket, "turn">;
  clock: Clock;
  log: Log;
}

/**
 * Moves prices, and keeps spot requests as these let them be: starts what is open, gives notice to what costs more than it may, takes that away when
 * the notice is over, and starts again what is to last. A notice that was given stands, whatever the price does meanwhile. What is launched
 * on demand gives notice too, where no machine has room for it (spot-room.ts), and begins when that is over.
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
    const { space, requests, prices } = this.#parts;
    prices.turn();
    for (const instance of space.all("instance")) {
      if (instance.spec.market) this.#look(instance, instance.spec.market);
      if (instance.status.waitsFor) this.#admit(instance);
    }
    for (const request of space.all("spot-request")) {
      if (request.status.state === "open") requests.evaluate(request);
      else if (request.status.instance !== undefined) this.#follow(request);
    }
  }

  #look(instance: InstanceRecord, market: InstanceMarket): void {
    const { space, clock } = this.#parts;
    const { interruptionAt, state } = instance.status;
    if (instance.spec.wanted !== "running" || state === "terminated") return;
    if (interruptionAt !== undefined) {
      const now = clock.now();
      if (interruptionAt <= now) space.commit((tx) => takeAway(tx, instance, now));
      return;
    }
    const price = this.#priceOf(instance);
    if (price <= market.maxMicrosPerHour) return;
    const says = (micros: number) => (micros / 1e6).toFixed(6);
    const why = `its price of ${says(price)} an hour is over its maximum of ${says(market.maxMicrosPerHour)}`;
    space.commit((tx) => giveNotice(tx, instance, { now: clock.now(), cause: "price", why }));
  }

  #priceOf({ spec }: InstanceRecord): number {
    const { space, prices } = this.#parts;
    const zone = space.get("subnet", spec.network.subnet)?.spec.zone ?? "";
    return prices.spotPriceOf(instanceTypes.get(spec.type)!, zone);
  }

  /** What an instance on demand was to wait for has gone. */
  #admit(instance: InstanceRecord): void {
    const { space } = this.#parts;
    if (stillThere(space, instance).length > 0) return;
    const { waitsFor: _gone, ...status } = instance.status;
    space.commit((tx) => tx.put<"instance">({ ...instance, status }));
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
        const { interruptionAt: _over, interruption: _why, ...status } = started!.status;
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
