import { AwsError } from "#/model/aws-error.ts";

/** A page of a list, in the order of its keys. */
export function pageOf<Item>(
  items: Iterable<Item>,
  keyOf: (item: Item) => string,
  { Limit = 100, Marker }: { Limit?: number | undefined; Marker?: string | undefined },
): { items: Item[]; Truncated: boolean; NextMarker?: string } {
  if (Limit < 1 || Limit > 1000)
    throw new AwsError(
      "ValidationException",
      400,
      `1 validation error detected: Value '${Limit}' at 'limit' failed to satisfy constraint: Member must have value between 1 and 1000`,
    );
  const after = Marker === undefined ? undefined : Buffer.from(Marker, "base64url").toString();
  if (after !== undefined && Buffer.from(after).toString("base64url") !== Marker)
    throw new AwsError("InvalidMarkerException", 400, "The marker is invalid.");
  const rest = [...items]
    .map((item) => ({ item, key: keyOf(item) }))
    .filter(({ key }) => after === undefined || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const shown = rest.slice(0, Limit);
  const isTruncated = rest.length > shown.length;
  return {
    items: shown.map(({ item }) => item),
    Truncated: isTruncated,
    ...(isTruncated && { NextMarker: Buffer.from(shown.at(-1)!.key).toString("base64url") }),
  };
}
