import assert from "node:assert/strict";
import { test } from "node:test";
import { corsRuleOf, type CorsRule } from "./bucket-cors.ts";

const rules: CorsRule[] = [
  { id: "own", origins: ["https://*.example.org"], methods: ["PUT"], headers: ["x-amz-*"] },
  { id: "any", origins: ["*"], methods: ["GET"] },
];

test("corsRuleOf() gives the first rule whose origin, method and headers fit", () => {
  const origin = "https://a.example.org";
  const idOf = (...asked: Parameters<typeof corsRuleOf>) => corsRuleOf(...asked)?.id;
  assert.equal(idOf(rules, { origin, method: "PUT", headers: ["X-Amz-Date"] }), "own");
  assert.equal(idOf(rules, { origin, method: "GET" }), "any");
  assert.equal(idOf(rules, { origin: "null", method: "GET" }), "any");
  assert.equal(idOf(rules, { origin, method: "PUT", headers: ["content-type"] }), undefined);
  assert.equal(idOf(rules, { origin: "https://example.org", method: "PUT" }), undefined);
  assert.equal(idOf(rules, { origin, method: "DELETE" }), undefined);
  assert.equal(idOf(rules, { origin, method: "GET", headers: ["range"] }), undefined);
});

test("corsRuleOf() lets a star stand for nothing too, but not for what is on both sides of it", () => {
  const one = (origin: string): CorsRule[] => [{ origins: [origin], methods: ["GET"] }];
  assert.ok(corsRuleOf(one("http://a*a"), { origin: "http://aa", method: "GET" }));
  assert.equal(corsRuleOf(one("http://a*a"), { origin: "http://a", method: "GET" }), undefined);
});
