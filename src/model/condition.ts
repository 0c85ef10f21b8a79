import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Offer } from "./site.ts";

/** A condition of a policy, ready to be asked; an Error where it cannot be told of an offer. */
export type Condition = (offer: KnownOffer, title?: string) => boolean | Error;

/** An offer, or as much of it as is known. */
export type KnownOffer = Partial<Omit<Offer, "capacity">> & {
  readonly capacity?: Partial<Offer["capacity"]>;
};

/** Throws "invalid" where it is no CEL. CEL, the Common Expression Language (https://cel.dev); loaded only where somebody uses it. */
export async function conditionOf(text: string): Promise<Condition> {
  const { celEnv, parse, plan } = await import("@bufbuild/cel");
  try {
    const program = plan(celEnv(), parse(text));
    return (offer, title) => {
      const found = program(boundOf(offer, title) as never);
      if (typeof found === "boolean" || found instanceof Error) return found;
      return new Error("it is neither true nor false");
    };
  } catch (thrown) {
    throw new CanopyError("invalid", `Cannot read the condition '${text}': ${messageOf(thrown)}`, {
      hint: `Write it in CEL, as in: offer.zone.startsWith("eu-") && offer.perHour < 1.0`,
    });
  }
}

/** What a condition may speak of. What is unknown is absent: has(offer.perHour) tells. */
function boundOf(offer: KnownOffer, title: string | undefined): object {
  const { site, name, market, zone, labels, capacity, microsPerHour, gramsPerKwh } = offer;
  return {
    offer: {
      ...(site !== undefined && { site }),
      ...(name !== undefined && { name }),
      ...(market !== undefined && { market }),
      ...(zone !== undefined && { zone }),
      ...(labels && { labels }),
      ...(capacity?.milliCpus !== undefined && { cpus: capacity.milliCpus / 1000 }),
      ...(capacity?.memoryBytes !== undefined && { memoryBytes: capacity.memoryBytes }),
      ...(microsPerHour !== undefined && { perHour: microsPerHour / 1e6 }),
      ...(gramsPerKwh !== undefined && { gramsPerKwh }),
    },
    job: { ...(title !== undefined && { title }) },
  };
}
