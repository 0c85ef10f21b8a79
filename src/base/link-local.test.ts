import assert from "node:assert/strict";
import { test } from "node:test";
import { isLinkLocal } from "./link-local.ts";

test("addresses of the link and of metadata are known, however they are written", () => {
  for (const url of [
    "http://169.254.169.254/latest",
    "http://2852039166/",
    "http://0xa9.0xfe.43518/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:100.100.100.200]/",
    "http://METADATA.google.internal./",
  ])
    assert.ok(isLinkLocal(new URL(url).hostname), url);
  for (const url of [
    "http://10.0.0.1/",
    "http://127.0.0.1/",
    "http://[fd00::1]/",
    "http://a.example/",
  ])
    assert.ok(!isLinkLocal(new URL(url).hostname), url);
  assert.ok(isLinkLocal("::ffff:169.254.169.254"));
});
