import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { page } from "./paging.ts";

const nameOf = (item: string) => item;

test("page() gives each item once, in order, also when others come and go between two pages", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.nat(),
      (names, max, gone) => {
        const all = names.toSorted((a, b) => (a < b ? -1 : 1));
        const seen: string[] = [];
        let left = all;
        let token: string | undefined;
        do {
          const found = page(left, { nameOf, token, max });
          assert.ok(found.items.length <= max);
          seen.push(...found.items);
          token = found.next;
          // One that was given already goes; what was not is not touched.
          left = left.filter((name) => name !== seen[gone % seen.length]);
        } while (token !== undefined);
        assert.deepEqual(seen, all);
      },
    ),
  );
});

test("page() refuses a token that it did not give", () => {
  for (const token of ["", "x", Buffer.from("before:a").toString("base64url")])
    assert.throws(() => page(["a"], { nameOf, token, max: 1 }), {
      awsCode: "InvalidParameterValue",
    });
});
