import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { listMicrosPerHour } from "#/model/instance-price.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { resourceId } from "#/model/resource-id.ts";
import type {
  SpotRequestRecord,
  SpotRequestSpec,
  SpotRequestStatus,
} from "#/model/spot-request.ts";
import type { Space } from "#/space/space.ts";
import type { Instances, LaunchAsked } from "./instances.ts";
import { decideLaunch, type LaunchWish } from "./launch.ts";
import type { SpotPrices } from "./spot.ts";

/** What is asked of a spot market; everything that may be left out is decided here. */
export interface SpotAsked {
  type: SpotRequestSpec["type"];
  /** The list price when absent. */
  maxMicrosPerHour?: number | undefined;
  onInterruption: SpotRequestSpec["onInterruption"];
  validUntil?: number | undefined;
  clientToken?: string | undefined;
  tags: Readonly<Record<string, string>>;
}

interface SpotParts {
  space: Space;
  instances: Pick<Instances, "launch" | "before">;
  prices: SpotPrices;
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
  region: string;
}

/** What may be asked of spot requests. One that cannot be fulfilled at once stays open, to be looked at again by `evaluate`. */
export class SpotRequests {
  #parts: SpotParts;

  constructor(parts: SpotParts) {
    this.#parts = parts;
  }

  /**
   * Makes requests for one instance each, and fulfils what can be. The same token makes them once. Throws what a launch
   * does that can never be.
   */
  request(wish: LaunchWish, count: number, asked: SpotAsked): SpotRequestRecord[] {
    const { clientToken } = asked;
    const before = this.list(wish.project).filter(
      ({ spec }) => clientToken !== undefined && spec.clientToken === clientToken,
    );
    if (before.length > 0) return before;
    decideLaunch(wish, this.#parts);
    const spec = this.#specOf({ ...wish, min: 1, max: 1, clientToken: undefined }, asked);
    return Array.from({ length: count }, () => {
      const made = this.#put(wish.project, spec, {
        state: "open",
        code: "pending-evaluation",
        message: "Your Spot request has been submitted for review, and is pending evaluation.",
        since: this.#parts.clock.now(),
      });
      return this.evaluate(made);
    });
  }

  /** Launches instances at once, each with a request of its own; in other groups, where `more` says so. Throws "SpotMaxPriceTooLow", and as a launch does. */
  launch(
    wish: LaunchWish,
    asked: SpotAsked,
    more: Partial<Pick<LaunchAsked, "groups" | "newGroup">> = {},
  ): InstanceRecord[] {
    const { space, prices, instances } = this.#parts;
    const spec = this.#specOf({ ...wish, min: 1, max: 1, clientToken: undefined }, asked);
    const { maxMicrosPerHour, onInterruption } = spec;
    const market = { type: "spot" as const, request: "", maxMicrosPerHour, onInterruption };
    const decided = { ...decideLaunch({ ...wish, market }, this.#parts), ...more };
    const before = instances.before(decided);
    if (before.length > 0) return before;
    const price = prices.spotPriceOf(decided.type, decided.subnet.spec.zone);
    if (price > maxMicrosPerHour)
      throw new AwsError(
        "SpotMaxPriceTooLow",
        400,
        `Your Spot request price of ${maxMicrosPerHour / 1e6} is lower than the minimum required Spot request fulfillment price of ${price / 1e6}.`,
      );
    return instances.launch(decided).map((instance) => {
      const { market: has } = instance.spec;
      if (has?.request !== "") return instance;
      const request = this.#put(wish.project, spec, this.#fulfilled(instance.name)).name;
      return space.commit((tx) =>
        tx.put<"instance">({
          ...instance,
          spec: { ...instance.spec, market: { ...has, request } },
        }),
      ).value;
    });
  }

  /** Looks at an open request: starts its instance where the price and the room allow it, else says why not. */
  evaluate(record: SpotRequestRecord): SpotRequestRecord {
    const { spec, status, name } = record;
    const { clock, prices, instances } = this.#parts;
    if (status.state !== "open") return record;
    if (spec.validUntil !== undefined && spec.validUntil <= clock.now())
      return this.#say(record, { state: "cancelled", code: "schedule-expired", message: "" });
    const { maxMicrosPerHour, onInterruption } = spec;
    const market = { type: "spot" as const, request: name, maxMicrosPerHour, onInterruption };
    try {
      const wish = { ...(JSON.parse(spec.launch) as LaunchWish), market };
      const decided = decideLaunch(wish, this.#parts);
      const price = prices.spotPriceOf(decided.type, decided.subnet.spec.zone);
      if (price > maxMicrosPerHour)
        return this.#say(record, {
          state: "open",
          code: "price-too-low",
          message: `Your Spot request price of ${maxMicrosPerHour / 1e6} is lower than the minimum required Spot request fulfillment price of ${price / 1e6}.`,
        });
      const [instance] = instances.launch(decided);
      return this.#say(record, this.#fulfilled(instance!.name));
    } catch (thrown) {
      if (!(thrown instanceof AwsError)) throw thrown;
      const { awsCode, message } = thrown;
      return awsCode === "InsufficientInstanceCapacity"
        ? this.#say(record, { state: "open", code: "capacity-not-available", message })
        : this.#say(record, { state: "failed", code: "bad-parameters", message });
    }
  }

  /** Its instance goes on. */
  cancel(record: SpotRequestRecord): SpotRequestRecord {
    const { state, instance } = record.status;
    if (state !== "open" && state !== "active" && state !== "disabled") return record;
    const code =
      state === "open" || instance === undefined
        ? "canceled-before-fulfillment"
        : "request-canceled-and-instance-running";
    const message = "Your Spot request has been canceled.";
    return this.#say(record, {
      ...(instance !== undefined && { instance }),
      state: "cancelled",
      code,
      message,
    });
  }

  /** Those of a project, the oldest first. */
  list(project: string): SpotRequestRecord[] {
    return [...this.#parts.space.all("spot-request")].filter((one) => one.project === project);
  }

  #specOf(wish: LaunchWish, asked: SpotAsked): SpotRequestSpec {
    const { type, onInterruption, validUntil, clientToken, tags } = asked;
    const isKept = onInterruption !== "terminate";
    if (isKept && type === "one-time")
      throw new AwsError(
        "InvalidParameterCombination",
        400,
        `The interruption behavior '${onInterruption}' is for persistent requests.`,
      );
    const listed = listMicrosPerHour(decideLaunch(wish, this.#parts).type);
    return {
      createdAt: this.#parts.clock.now(),
      type,
      maxMicrosPerHour: asked.maxMicrosPerHour ?? listed,
      onInterruption,
      launch: JSON.stringify(wish),
      tags,
      ...(validUntil !== undefined && { validUntil }),
      ...(clientToken !== undefined && { clientToken }),
    };
  }

  #fulfilled(instance: string): SpotRequestStatus {
    const message = "Your Spot request is fulfilled.";
    return {
      state: "active",
      code: "fulfilled",
      message,
      since: this.#parts.clock.now(),
      instance,
    };
  }

  #say(record: SpotRequestRecord, said: Omit<SpotRequestStatus, "since">): SpotRequestRecord {
    const { status } = record;
    if (status.state === said.state && status.code === said.code && status.message === said.message)
      return record;
    const { space, clock } = this.#parts;
    return space.commit((tx) =>
      tx.put<"spot-request">({ ...record, status: { ...said, since: clock.now() } }),
    ).value;
  }

  #put(project: string, spec: SpotRequestSpec, status: SpotRequestStatus): SpotRequestRecord {
    const { space, random } = this.#parts;
    const name = resourceId("sir", random);
    return space.commit((tx) =>
      tx.put<"spot-request">({ kind: "spot-request", project, name, spec, status }),
    ).value;
  }
}
