import { z } from "zod";
import { markets } from "./site.ts";
import { siteConfig, siteSecrets } from "./site-config.ts";

/** What the API takes and answers about sites; see views.ts for the habits. */
const instant = z.iso.datetime();
const amount = z.number().min(0);

/** A site as it is set: all of it at once. Secrets that are not given stay as they are. */
export const siteInput = z.strictObject({ config: siteConfig, secrets: siteSecrets.default({}) });
export type SiteInput = z.input<typeof siteInput>;

/** What is absent is unknown, and not zero. */
export const offerView = z.object({
  site: z.string(),
  name: z.string(),
  capacity: z.object({ milliCpus: amount, memoryBytes: amount }),
  labels: z.record(z.string(), z.string()),
  market: z.enum(markets),
  zone: z.string(),
  microsPerHour: amount.optional(),
  priceGranularityMs: amount,
  billedMsMin: amount,
  idleWatts: amount.optional(),
  peakWatts: amount.optional(),
  pue: amount.optional(),
  gramsPerKwh: amount.optional(),
  bootMs: z.object({ median: amount, p90: amount }).optional(),
  interruptionsPerHour: amount.optional(),
  countMax: z.int().min(0),
  /** What its machines showed, beside what the site says; absent until one was ordered. */
  learned: z
    .object({
      bootMs: z.object({ median: amount, p90: amount }),
      /** Machines that joined, and that were made and never did. */
      joined: z.int().min(0),
      neverJoined: z.int().min(0),
      /** Interruptions in an hour: the mean, and between what it lies nine times in ten. */
      interruptionsPerHour: z.object({ mean: amount, low: amount, high: amount }),
      /** For how long its machines were there, and how many were taken away. */
      hours: amount,
      taken: z.int().min(0),
      /** So often it was asked for, and so often the site gave none. */
      asked: z.int().min(0),
      refused: z.int().min(0),
      /** Why it is not asked for now. */
      rests: z.string().optional(),
    })
    .optional(),
});
export type OfferView = z.output<typeof offerView>;

export const siteView = z.object({
  name: z.string(),
  type: z.string(),
  health: z.enum(["healthy", "unhealthy"]),
  since: instant,
  /** Why it is unhealthy, in the provider's words. */
  reason: z.string().optional(),
  createdAt: instant,
  /** Orders that have not ended. */
  orders: z.int().min(0),
  offers: z.array(offerView),
});
export type SiteView = z.output<typeof siteView>;

export const siteDetail = siteView.extend({
  config: siteConfig,
  /** Which secrets it has; they are never told. */
  secrets: z.array(z.string()),
});
export type SiteDetail = z.output<typeof siteDetail>;
