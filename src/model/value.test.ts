import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CanopyError } from "#/base/errors.ts";
import { decodeValue, encodeValue } from "./value.ts";

const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: false,
  withNullPrototype: false,
});

test("decodeValue() gives back what encodeValue() was given, beyond what JSON can", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      // -0 is written as 0, as JSON does
      assert.deepEqual(decodeValue(encodeValue(value)), decodeValue(encodeValue(value)));
      assert.deepEqual(withoutMinusZero(decodeValue(encodeValue(value))), withoutMinusZero(value));
    }),
    { numRuns: 500 },
  );
});

function withoutMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (value instanceof Map)
    return new Map(
      [...value].map(([key, part]) => [withoutMinusZero(key), withoutMinusZero(part)]),
    );
  if (value instanceof Set) return new Set([...value].map(withoutMinusZero));
  if (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype
  ) {
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, withoutMinusZero(part)]),
    );
  }
  return value;
}

test("encodeValue() keeps bytes, and objects that look like its own tags", () => {
  const value = { bytes: new Uint8Array([0, 255]), odd: { $canopy: ["date", 1] } };
  assert.deepEqual(decodeValue(encodeValue(value)), value);
});

test("encodeValue() writes plain data as plain JSON", () => {
  assert.equal(encodeValue([1, { a: "b" }, null]), '[1,{"a":"b"},null]');
});

test("encodeValue() refuses what cannot cross, naming the place", () => {
  const itself: { self?: unknown } = {};
  itself.self = itself;
  class Point {
    x = 1;
  }
  const refused: [unknown, RegExp][] = [
    [{ list: [() => 1] }, /value\.list\[0\].*function/],
    [Symbol("s"), /symbol/],
    [itself, /value\.self.*contains itself/],
    [{ at: new Point() }, /value\.at.*instance of Point/],
  ];
  for (const [value, message] of refused) {
    assert.throws(
      () => encodeValue(value),
      (error: CanopyError) => error.code === "invalid" && message.test(error.message),
    );
  }
});
