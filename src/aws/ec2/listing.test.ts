import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { listed } from "./listing.ts";
import { tagFacts } from "./filters.ts";

interface Thing {
  serial: number;
  spec: { size: string; tags: Record<string, string> };
}

const things = fc
  .array(
    fc.record({
      size: fc.constantFrom("1", "2", "12"),
      tags: fc.dictionary(fc.constantFrom("a", "b", "a=b"), fc.constantFrom("x", "y", "")),
    }),
    { maxLength: 40 },
  )
  .map((specs) => specs.map((spec, at): Thing => ({ serial: at * 7, spec })));

const facts = {
  size: ({ spec }: Thing) => spec.size,
  ...tagFacts<Thing>(),
};

test("pages together are all that passes every filter, once, in order", () => {
  fc.assert(
    fc.property(
      things,
      fc.integer({ min: 5, max: 9 }),
      fc.constantFrom("1", "?", "1*", "*"),
      fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
      (all, MaxResults, size, tag) => {
        const Filters = [
          { Name: "size", Values: [size] },
          ...(tag === undefined ? [] : [{ Name: `tag:${tag}`, Values: ["x", ""] }]),
        ];
        const told: Thing[] = [];
        let NextToken: string | undefined;
        do {
          const asked = { Filters, MaxResults, NextToken };
          const { items, more } = listed(asked, { all: () => all, find: () => [], facts });
          assert.ok(items.length <= MaxResults);
          told.push(...items);
          NextToken = more.NextToken;
        } while (NextToken !== undefined);
        const pattern = new RegExp(`^${size.replace("*", ".*").replace("?", ".")}$`);
        const wanted = all.filter(
          ({ spec }) =>
            pattern.test(spec.size) &&
            (tag === undefined || spec.tags[tag] === "x" || spec.tags[tag] === ""),
        );
        assert.deepEqual(told, wanted);
      },
    ),
  );
});

test("what is asked wrongly is refused, also where there is nothing", () => {
  const of = { all: () => [], find: () => [], facts };
  const code = (awsCode: string) => (thrown: { awsCode?: string }) => thrown.awsCode === awsCode;
  assert.throws(
    () => listed({ Filters: [{ Name: "colour", Values: ["red"] }] }, of),
    code("InvalidParameterValue"),
  );
  for (const MaxResults of [1, 1001, -5, 5.5])
    assert.throws(() => listed({ MaxResults }, of), code("InvalidParameterValue"));
  assert.throws(() => listed({ NextToken: "what" }, of), code("InvalidParameterValue"));
  assert.throws(
    () => listed({ ids: ["i-1"], MaxResults: 5 }, of),
    code("InvalidParameterCombination"),
  );
  const Values = Array.from({ length: 201 }, String);
  assert.throws(
    () => listed({ Filters: [{ Name: "size", Values }] }, of),
    code("FilterLimitExceeded"),
  );
});
