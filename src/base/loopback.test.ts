import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback } from "./loopback.ts";

test("isLoopback() takes no name for an address", () => {
  for (const host of ["localhost", "127.0.0.1", "127.9.8.7", "::1", "[::1]"])
    assert.ok(isLoopback(host), host);
  for (const host of ["127.example.com", "localhost.example.com", "10.0.0.1", "::", "1127.0.0.1"])
    assert.ok(!isLoopback(host), host);
});
