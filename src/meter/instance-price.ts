import type { InstanceType } from "#/model/instance-type.ts";
import { listPrices, ratesOf, type PriceList } from "./prices.ts";

/** What an instance of a type costs for an hour, in millionths of the currency: what it holds of a machine, by the price list. */
export function microsPerHourOf(
  { milliCpus, memoryBytes }: Pick<InstanceType, "milliCpus" | "memoryBytes">,
  prices: PriceList = listPrices,
): number {
  return ratesOf({ milliCpus, memoryBytes }, prices).microsPerHour!;
}
