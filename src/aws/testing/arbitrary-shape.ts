import fc from "fast-check";
import type { Member, Shape } from "../schema/shape.ts";

/** Where a value will stand: not every place can hold every text. */
type Place = "header" | "label" | "text";

/** Values of a shape as users of the SDK would write them. */
export function arbitraryOf(shape: Shape, place: Place = "text", depth = 0): fc.Arbitrary<unknown> {
  switch (shape.type) {
    case "structure":
      return structure(shape, depth);
    case "union":
      return fc.oneof(
        ...shape.members.map((member) =>
          value(member, depth).map((held) => ({ [member.name]: held })),
        ),
      );
    case "list":
      return fc.array(
        place === "header"
          ? arbitraryOf(shape.value.shape, place, depth + 1)
          : value(shape.value, depth),
        { minLength: 1, maxLength: 3 },
      );
    case "map":
      return fc.dictionary(
        text("text").filter((key) => key !== ""),
        value(shape.value, depth),
        {
          minKeys: 1,
          maxKeys: 3,
          noNullPrototype: true,
        },
      );
    case "string":
      return text(place);
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.integer({ min: 0, max: 1_000_000 });
    case "integer":
      return fc.nat().map(BigInt);
    case "timestamp":
      return fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000));
    case "blob":
      return fc.uint8Array({ minLength: 1, maxLength: 20 });
    case "document":
      return fc.constant({});
    case "unit":
      return fc.constant(undefined);
  }
}

const depthMax = 4;

function structure(shape: Shape, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const members = shape.members.filter(
    ({ isRequired, shape: of }) =>
      isRequired || depth < depthMax || !["structure", "union", "list", "map"].includes(of.type),
  );
  const made = fc.record(
    Object.fromEntries(members.map((member) => [member.name, value(member, depth)])),
    {
      // An answer that is a document always has it: clients take an empty one for one that was cut off.
      requiredKeys: members
        .filter(({ isRequired, traits }) => isRequired || traits.httpPayload)
        .map(({ name }) => name),
      noNullPrototype: true,
    },
  ) as fc.Arbitrary<Record<string, unknown>>;
  // A form cannot say that something is there and has nothing in it.
  return depth === 0 || members.length === 0
    ? made
    : made.filter((value) => Object.keys(value).length > 0);
}

function value(member: Member, depth: number): fc.Arbitrary<unknown> {
  const { traits } = member;
  if (traits.httpPrefixHeaders !== undefined)
    return fc.dictionary(fc.stringMatching(/^[a-z0-9-]{1,8}$/), text("header"), {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true,
    });
  const place = traits.httpLabel ? "label" : traits.httpHeader !== undefined ? "header" : "text";
  return arbitraryOf(member.shape, place, depth + 1);
}

function text(place: Place): fc.Arbitrary<string> {
  if (place !== "text") return fc.stringMatching(/^[A-Za-z0-9_.~-]{1,12}$/);
  return fc.oneof(
    fc.stringMatching(/^[ -~]{1,20}$/),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }),
    fc.constantFrom("a&b<c>\"d'", "100%+1", "ü/ß?", "]]>", "&amp;"),
  );
}
