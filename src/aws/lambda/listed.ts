import { limits } from "#/base/limits.ts";
import { page } from "../paging.ts";
import { invalidParameter, requireBetween } from "./errors.ts";

/** One page of a list of Lambda's. Throws "InvalidParameterValueException" for a marker that is none. */
export function listed<Item>(
  all: readonly Item[],
  {
    nameOf,
    Marker,
    MaxItems,
  }: {
    nameOf: (item: Item) => string;
    Marker?: string | undefined;
    MaxItems?: number | undefined;
  },
): { items: Item[]; NextMarker: string | undefined } {
  requireBetween("maxItems", MaxItems, 1, limits.functionsListedMax);
  const { items, next } = page(all, {
    nameOf,
    token: Marker === "" ? undefined : Marker,
    // More are asked for than one page ever has.
    max: Math.min(MaxItems ?? limits.functionsListed, limits.functionsListed),
    badToken: () => invalidParameter("The Marker is invalid: give that of the page before."),
  });
  return { items, NextMarker: next };
}
