import { LeastSquares } from "../least-squares.ts";

/**
 * What the carbon intensity of a grid will be in the hours to come, from nothing but its own past.
 *
 * A grid has a usual day (the sun, the evening), whole days that are cleaner or dirtier than usual, a
 * weekend, weeks that end and are as those before again, and the moment: wind that blows now blows in an hour
 * too. So the intensity of the hour T, told k hours before it, is
 *
 *   usual(T) + a·level + b·(day before − usual(T)) + c·(last hour − usual(last hour))
 *     + d·(week(T) − week(day before)) + e·(usual(T) − level)
 *
 * where usual is the mean of that hour over the last 14 days, "day before" the last known same hour of the
 * day, week the mean of that hour of the week over four weeks, and level the mean of all that is known. How much
 * of each persists is learned: a to e are fitted by ridge regression for each k, and once more for each k and hour of the day, pulled
 * towards the former. What is older than about 40 days fades.
 *
 * What was forecast for an hour is never learned from before that hour has passed.
 */
export class CarbonForecaster {
  /** How far ahead, in hours. */
  readonly hoursMax: number;
  /** Intensities by hour since the first one, in gCO2eq/kWh. */
  readonly #past: number[] = [];
  #firstHour: number | undefined;
  #sum = 0;
  #sumOfSquares = 0;
  readonly #anyHour: LeastSquares[];
  readonly #byHour: LeastSquares[][];
  /** Forecasts of before, by the last hour that they knew: what came is held against them. */
  readonly #told = new Map<number, readonly number[]>();
  /** Of forecasts so far ahead, the sum of the squares of what they were off by, and how many. */
  readonly #squares: Float64Array;
  readonly #counts: Float64Array;

  constructor(hoursMax: number) {
    this.hoursMax = hoursMax;
    this.#squares = new Float64Array(hoursMax + 1);
    this.#counts = new Float64Array(hoursMax + 1);
    const fits = (retained: number) =>
      Array.from({ length: hoursMax + 1 }, () => new LeastSquares(inputsCount, retained));
    const retainedHourly = 0.5 ** (1 / (24 * halfLifeDays));
    this.#anyHour = fits(retainedHourly);
    this.#byHour = Array.from({ length: 24 }, () => fits(retainedHourly ** 24));
  }

  /** The first hour that was not observed yet, in hours since the epoch; undefined before any was. */
  get nextHour(): number | undefined {
    return this.#firstHour === undefined ? undefined : this.#firstHour + this.#past.length;
  }

  /**
   * Takes the mean intensity, in gCO2eq/kWh, of an hour that has passed (hours since the epoch, in order).
   * An hour that was left out takes the value of a day before, and nothing is learned from it. What is
   * older than the last one is ignored.
   */
  observe(hour: number, gramsPerKwh: number): void {
    if (!(Number.isFinite(gramsPerKwh) && gramsPerKwh >= 0)) return;
    this.#firstHour ??= hour;
    if (hour < this.nextHour!) return;
    while (this.nextHour! < hour) this.#append(this.#past.at(-24) ?? this.#past.at(-1)!);
    this.#append(gramsPerKwh);
    this.#learn();
    this.#judge(gramsPerKwh);
  }

  /**
   * What a cautious planner adds to each hour of the forecast but the first, in gCO2eq/kWh: half of what such
   * forecasts were off by, as their root mean square, times the square of that over the spread of all that is
   * known. Waiting for an hour that is forecast to be cleaner is a loss when it is not; where days are alike
   * this is next to nothing, and where a forecast says little more than the mean it is half of its error.
   */
  margins(hours: number): number[] {
    const count = this.#past.length;
    const mean = this.#sum / Math.max(1, count);
    const variance = this.#sumOfSquares / Math.max(1, count) - mean ** 2;
    return Array.from({ length: Math.min(hours, this.hoursMax) }, (_, index) => {
      const judged = this.#counts[index + 1]!;
      if (index === 0 || judged === 0 || variance <= 0) return 0;
      const squared = this.#squares[index + 1]! / judged;
      return (caution * squared ** 1.5) / variance;
    });
  }

  /**
   * Intensities in gCO2eq/kWh of the hours from `nextHour` on, as many as asked, `hoursMax` at most.
   * Undefined as long as less than a whole day is known.
   */
  forecast(hours: number): number[] | undefined {
    const last = this.#past.length - 1;
    if (last < 23) return undefined;
    const inputs = new Float64Array(inputsCount);
    return Array.from({ length: Math.min(hours, this.hoursMax) }, (_, index) => {
      const ahead = index + 1;
      const usual = this.#inputs(last, ahead, inputs);
      const coefficients = this.#coefficients(last, ahead);
      let grams = usual;
      for (let input = 0; input < inputsCount; input++)
        grams += coefficients[input]! * inputs[input]!;
      return Math.max(0, grams);
    });
  }

  #append(gramsPerKwh: number): void {
    this.#past.push(gramsPerKwh);
    this.#sum += gramsPerKwh;
    this.#sumOfSquares += gramsPerKwh ** 2;
  }

  #judge(gramsPerKwh: number): void {
    const now = this.#past.length - 1;
    for (const [last, forecast] of this.#told) {
      const ahead = now - last;
      if (ahead > forecast.length) this.#told.delete(last);
      else {
        this.#squares[ahead]! += (gramsPerKwh - forecast[ahead - 1]!) ** 2;
        this.#counts[ahead]!++;
      }
    }
    const forecast = now % judgedEveryHours === 0 ? this.forecast(this.hoursMax) : undefined;
    if (forecast) this.#told.set(now, forecast);
  }

  #learn(): void {
    const now = this.#past.length - 1;
    const inputs = new Float64Array(inputsCount);
    for (let ahead = 1; ahead <= this.hoursMax && now - ahead >= 24; ahead++) {
      const told = now - ahead;
      const error = this.#past[now]! - this.#inputs(told, ahead, inputs);
      this.#anyHour[ahead]!.learn(inputs, error);
      this.#byHour[told % 24]![ahead]!.learn(inputs, error);
    }
  }

  #coefficients(last: number, ahead: number): Float64Array {
    // Not 0, also where nothing was ever emitted.
    const level = Math.max(1, this.#sum / this.#past.length);
    const prior = new Float64Array([0, 0.5, hourlyPersistence ** ahead, 0, 0]);
    const anyHour = this.#anyHour[ahead]!.coefficients(prior, 0.24 * level ** 2);
    return this.#byHour[last % 24]![ahead]!.coefficients(anyHour, 0.1 * level ** 2);
  }

  /** Fills in what the hour `last + ahead` is told from when `last` is the last known one; gives its usual intensity. */
  #inputs(last: number, ahead: number, inputs: Float64Array): number {
    const hour = last + ahead;
    const dayBefore = hour - 24 * Math.ceil(ahead / 24);
    const usual = this.#mean(dayBefore, 24, usualDays);
    inputs[0] = this.#sum / this.#past.length;
    inputs[1] = this.#past[dayBefore]! - usual;
    inputs[2] = this.#past[last]! - this.#mean(last >= 24 ? last - 24 : last, 24, usualDays);
    const weekBefore = hour - 7 * 24 * Math.ceil(ahead / (7 * 24));
    inputs[3] =
      dayBefore < 7 * 24
        ? 0
        : this.#mean(weekBefore, 7 * 24, usualWeeks) -
          this.#mean(dayBefore - 7 * 24, 7 * 24, usualWeeks);
    inputs[4] = usual - inputs[0]!;
    return usual;
  }

  /** Of the hours `from`, `from - every` and so on, `count` of them or as many as there are. */
  #mean(from: number, every: number, count: number): number {
    let sum = 0;
    let found = 0;
    for (let hour = from; hour >= 0 && found < count; hour -= every) {
      sum += this.#past[hour]!;
      found++;
    }
    return sum / found;
  }
}

const inputsCount = 5;
const usualDays = 14;
const usualWeeks = 4;
const halfLifeDays = 40;
/** A forecast is looked at so often, at every hour of the day in turn. */
const judgedEveryHours = 5;
/** Of what forecasts are off by. With more, less is saved; with less, it is more often worse than not to wait. */
const caution = 0.5;
/** Of a deviation from the usual, before anything was learned. */
const hourlyPersistence = 0.85;
