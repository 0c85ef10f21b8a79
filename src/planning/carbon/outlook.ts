import { limits } from "#/base/limits.ts";
import { gramsOfHour, meanGrams, type CarbonZoneStatus } from "#/model/carbon-zone.ts";
import { CarbonForecaster } from "./forecast.ts";

/** The intensity of an hour in gCO2eq/kWh, in hours since 1970 UTC; undefined where nobody knows. */
export type GramsAt = (hour: number) => number | undefined;

/**
 * How clean the power of one zone was, and will be: what is known of an hour, also as a forecast of who gives
 * intensities; else what its past says. Beyond what is forecast from that, hours are as those of the day before.
 */
export class Outlook {
  readonly #status: CarbonZoneStatus;
  /** From `#from` on; none as long as less than a day is known. */
  #ahead: readonly number[] = [];
  #margins: readonly number[] = [];
  #from: number;

  /** `nowHour` is the hour that has begun: it and those after it are not learned from. */
  constructor(status: CarbonZoneStatus, nowHour: number) {
    this.#status = status;
    const forecaster = new CarbonForecaster(limits.carbonForecastHours);
    const end = Math.min(nowHour, status.firstHour + status.gramsPerKwh.length);
    for (let hour = status.firstHour; hour < end; hour++) {
      const grams = gramsOfHour(status, hour);
      if (grams !== undefined) forecaster.observe(hour, grams);
    }
    this.#from = forecaster.nextHour ?? nowHour;
    if (nowHour - this.#from > staleHoursMax) return;
    this.#ahead = forecaster.forecast(limits.carbonForecastHours) ?? [];
    this.#margins = forecaster.margins(limits.carbonForecastHours);
  }

  readonly gramsAt: GramsAt = (hour) => gramsOfHour(this.#status, hour) ?? this.#forecastAt(hour);

  /** What a cautious planner adds to that, when it was forecast from the past alone. */
  readonly marginAt = (hour: number): number => {
    if (gramsOfHour(this.#status, hour) !== undefined) return 0;
    const { length } = this.#margins;
    return length === 0 ? 0 : this.#margins[Math.max(0, Math.min(hour - this.#from, length - 1))]!;
  };

  /** Of each part of time from `from` on, each so long. Undefined as soon as one is not known. */
  parts(from: number, partMs: number, count: number): number[] | undefined {
    const found: number[] = [];
    for (let part = 0; part < count; part++) {
      const at = from + part * partMs;
      const grams = meanGrams(this.gramsAt, at, at + partMs);
      if (grams === undefined) return undefined;
      found.push(grams);
    }
    return found;
  }

  #forecastAt(hour: number): number | undefined {
    const at = hour - this.#from;
    const { length } = this.#ahead;
    if (at < 0 || length < 24) return undefined;
    return this.#ahead[at < length ? at : length - 24 + ((at - length) % 24)];
  }
}

/** A past that ended so long ago says nothing of now. */
const staleHoursMax = 24;
