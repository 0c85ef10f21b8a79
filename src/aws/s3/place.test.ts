import assert from "node:assert/strict";
import { test } from "node:test";
import { targetOf, withoutOrigin } from "../target.ts";
import { placeIn } from "./place.ts";

function placeOf(url: string, host?: string): unknown[] {
  const target = targetOf("GET", withoutOrigin(url));
  placeIn(target, host);
  const { bucket, key, isVirtualHost = false } = target;
  return [bucket, key, isVirtualHost];
}

test("placeIn() reads bucket and key from the path, keys as they are", () => {
  assert.deepEqual(placeOf("/", "127.0.0.1:8421"), [undefined, undefined, false]);
  assert.deepEqual(placeOf("/b", "localhost"), ["b", undefined, false]);
  assert.deepEqual(placeOf("/b/", "localhost:8421"), ["b", undefined, false]);
  assert.deepEqual(placeOf("/b//k/../%2e%2E//", "[::1]:8421"), ["b", "/k/../..//", false]);
  assert.deepEqual(placeOf("/b/a%2Fb+c%20%C3%BC?x=/y", "s3.localhost"), ["b", "a/b+c ü", false]);
  assert.deepEqual(placeOf("http://any/b/k", "any.example.com"), ["b", "k", false]);
});

test("placeIn() reads the bucket from hosts that name one", () => {
  for (const host of [
    "a.b.s3.localhost:8421",
    "a.b.s3.us-east-1.amazonaws.com",
    "a.b.s3-eu-west-1.amazonaws.com",
    "A.B.S3.example.com",
  ])
    assert.deepEqual(placeOf("/k/x", host), ["a.b", "k/x", true], host);
  assert.deepEqual(placeOf("/", "bucket.localhost:1"), ["bucket", undefined, true]);
});

test("placeIn() refuses what is no address, and keys that are too long", () => {
  const refused = (url: string, awsCode: string) =>
    assert.throws(() => placeOf(url, "localhost"), { awsCode }, url);
  for (const url of ["/b/%zz", "/b/%ff", "/%c3", "//k"]) refused(url, "InvalidURI");
  refused(`/b/${"%C3%BC".repeat(513)}`, "KeyTooLongError");
  assert.equal(placeOf(`/b/${"%C3%BC".repeat(512)}`, "localhost")[0], "b");
  // Letters that came as they are: every character of a request line is one byte of them.
  assert.equal(placeOf("/b/\u00c3\u00bc", "localhost")[1], "ü");
  refused("/b/\u00fc", "InvalidURI");
});
