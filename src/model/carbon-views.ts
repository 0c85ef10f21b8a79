import { z } from "zod";
import { limits } from "#/base/limits.ts";

/** What the API takes and answers about carbon zones; see views.ts for the habits. */
const instant = z.iso.datetime();
const grams = z.number().min(0).max(10_000);

/** What is absent stays as it is. */
export const carbonZoneInput = z.strictObject({
  /** Of everything of which nobody says where it is; another zone ceases to be. */
  isDefault: z.boolean().optional(),
  /** Asked again and again, as Electricity Maps or the Carbon Intensity API answers; "" asks nobody. `{now}` stands for this minute. */
  url: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).optional(),
  /** Sent as the header `auth-token`; kept sealed, and told to nobody. */
  token: z.string().min(1).max(1000).optional(),
  /** Mean intensities of whole hours, in gCO2eq/kWh; those ahead count as a forecast. */
  hours: z
    .array(z.strictObject({ at: instant, gramsPerKwh: grams }))
    .min(1)
    .max(limits.carbonGivenHoursMax)
    .optional(),
});
export type CarbonZoneInput = z.input<typeof carbonZoneInput>;

export const carbonZoneView = z.object({
  name: z.string(),
  isDefault: z.boolean(),
  url: z.string().optional(),
  hasToken: z.boolean(),
  /** Of this hour, and the cleanest one of the next 24; absent where that is not known. */
  gramsPerKwhNow: z.number().optional(),
  cleanest: z.object({ at: instant, gramsPerKwh: z.number() }).optional(),
  /** Of the last hour that somebody gave, the end. */
  knownUntil: instant.optional(),
  hoursKnown: z.int(),
  askedAt: instant.optional(),
  /** Why asking gave nothing. */
  reason: z.string().optional(),
});
export type CarbonZoneView = z.output<typeof carbonZoneView>;

export const carbonZoneDetail = carbonZoneView.extend({
  /** From a day ago to two days ahead; those that nobody knows are left out. */
  hours: z.array(
    z.object({ at: instant, gramsPerKwh: z.number(), from: z.enum(["given", "forecast"]) }),
  ),
});
export type CarbonZoneDetail = z.output<typeof carbonZoneDetail>;
