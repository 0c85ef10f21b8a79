import { validationError } from "./errors.ts";

export interface Paging {
  Marker?: string | undefined;
  MaxItems?: number | undefined;
}

const itemsDefault = 100;
const itemsMax = 1000;

/**
 * A page of a list, in the order of its keys. The marker is the last key of the page before, so that what is made or
 * removed meanwhile shifts nothing.
 */
export function pageOf<Item>(
  items: Iterable<Item>,
  keyOf: (item: Item) => string,
  { Marker, MaxItems = itemsDefault }: Paging,
): { items: Item[]; IsTruncated: boolean; Marker?: string } {
  if (MaxItems < 1 || MaxItems > itemsMax)
    throw validationError(`MaxItems must be 1 to ${itemsMax}: current value is ${MaxItems}`);
  const after = Marker === undefined ? undefined : keyIn(Marker);
  const rest = [...items]
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const shown = rest.slice(0, MaxItems);
  const isTruncated = rest.length > shown.length;
  return {
    items: shown.map(({ item }) => item),
    IsTruncated: isTruncated,
    ...(isTruncated && { Marker: Buffer.from(shown.at(-1)!.key).toString("base64url") }),
  };
}

function keyIn(marker: string): string {
  const key = Buffer.from(marker, "base64url").toString();
  if (key !== "" && Buffer.from(key).toString("base64url") === marker) return key;
  throw validationError("Invalid Marker.");
}
