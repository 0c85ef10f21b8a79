import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test, type TestContext } from "node:test";
import type { FilterRule } from "#/model/hosting.ts";
import { instanceOrder, vpcOrder } from "./testing/wire.ts";
import { addedRules, vpcRules } from "./vpc-rules.ts";
import type { Member } from "./vpc-state.ts";

const surroundings = { closed: ["192.168.0.0/16", "169.254.0.0/16"], open: [] };
const rule = (more: Partial<FilterRule>): FilterRule => ({
  protocol: "tcp",
  from: 80,
  to: 80,
  ...more,
});

function memberOf(last: number, more: Partial<Member["network"]> = {}): Member {
  const instance = `i-${last}`;
  const { network } = instanceOrder(instance, `10.0.0.${last}`, more);
  return {
    instance,
    network,
    isGuest: false,
    hopLimit: 2,
    forwards: [{ port: 20_000 + last, to: 80 }] as never,
  };
}

const old = memberOf(4, { ingress: [rule({ group: "sg-1" })] });
const young = memberOf(5, { ingress: [rule({ group: "sg-1" }), rule({ group: "sg-2" })] });

function rulesOf(members: Member[], more: Parameters<typeof vpcOrder>[0] = {}) {
  const order = vpcOrder({
    groups: { "sg-1": members.map((one) => one.network.privateIp) },
    ...more,
  });
  const byName = Object.fromEntries(members.map((one) => [one.instance, one]));
  return vpcRules({ vpc: "vpc-1", slot: 3, order, members: byName }, surroundings);
}

/** A network namespace of this test's. */
function kernelOf(t: TestContext) {
  const name = `cyr${process.pid}`;
  execFileSync("ip", ["netns", "add", name]);
  t.after(() => execFileSync("ip", ["netns", "delete", name]));
  const nft = (args: string[], input = "") =>
    execFileSync("nsenter", [`--net=/run/netns/${name}`, "nft", ...args], {
      input,
      encoding: "utf8",
      stdio: "pipe",
    });
  return {
    tell: (text: string) => nft(["-f", "-"], text),
    told: () => sorted(nft(["-j", "list", "ruleset"])),
  };
}

/** Rules of one chain keep their order, all else has none. */
function sorted(said: string): string[] {
  const { nftables } = JSON.parse(said) as {
    nftables: Record<string, { elem?: unknown[]; chain?: string }>[];
  };
  const chains = Map.groupBy(nftables, (one) => one["rule"]?.chain ?? "");
  const text = (value: unknown) =>
    JSON.stringify(value, (key, inner: unknown) => {
      if (key === "handle" || key === "metainfo") return undefined;
      return key === "elem"
        ? (inner as unknown[]).map((one) => JSON.stringify(one)).toSorted()
        : inner;
    });
  return [...chains].flatMap(([chain, all]) => (chain ? text(all) : all.map(text))).toSorted();
}

test("members that are added leave the kernel with the rules that all would have been told with", (t) => {
  const kernel = kernelOf(t);
  const [before, after] = [rulesOf([old]), rulesOf([old, young])];
  kernel.tell(before.text);
  const added = addedRules(before, after)!;
  kernel.tell(added);
  const told = kernel.told();
  assert.throws(() => kernel.tell(added), /File exists/, "nothing is there twice");
  assert.deepEqual(kernel.told(), told);
  kernel.tell(after.text);
  assert.deepEqual(told, kernel.told());
  assert.match(told.join(), /10\.0\.0\.5.*20005/);
});

test("what goes or changes is not told by adding", () => {
  const before = rulesOf([old]);
  const isAdded = (after: typeof before) => addedRules(before, after) !== undefined;
  assert.equal(isAdded(rulesOf([old, young])), true);
  assert.equal(isAdded(rulesOf([young])), false);
  assert.equal(isAdded(rulesOf([memberOf(4), young])), false);
  assert.equal(isAdded(rulesOf([old, young], { groups: { "sg-1": ["10.0.0.5"] } })), false);
  assert.equal(isAdded(rulesOf([old, young], { peers: { "10.0.0.9": "10.99.0.2" } })), false);
  assert.equal(isAdded(rulesOf([old, memberOf(5, { elasticIp: "203.0.113.1" })])), false);
});
