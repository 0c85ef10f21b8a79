import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { clashOfCondition } from "./condition-clash.ts";
import { conditionOf } from "./condition.ts";
import type { AutonomicPolicyInput } from "./policy-views.ts";
import type { Market } from "./site.ts";

const GiB = 2 ** 30;

async function pathsOf(policy: AutonomicPolicyInput): Promise<string[] | undefined> {
  return (await clashOfCondition(policy))?.paths.map((path) => path.join("."));
}

describe("clashOfCondition()", () => {
  test("names what a condition cannot be met with", async () => {
    const cases: [AutonomicPolicyInput, string[]][] = [
      [{ needs: { cpus: 64 }, where: "offer.cpus < 8" }, ["where", "needs.cpus"]],
      [
        { needs: { memoryBytes: 8 * GiB }, where: `offer.memoryBytes <= ${4 * GiB}` },
        ["where", "needs.memoryBytes"],
      ],
      [{ where: "offer.perHour < 1.0 && offer.perHour > 2.0" }, ["where"]],
      [{ where: "has(offer.perHour) && !has(offer.perHour)" }, ["where"]],
      [{ where: `offer.market in ["reserved"]` }, ["where"]],
      [{ markets: ["spot"], where: `offer.market == "on-demand"` }, ["where", "markets"]],
      [{ sitesNever: ["a", "b"], where: `offer.site in ["a", "b"]` }, ["where", "sitesNever"]],
      [
        {
          sites: ["a"],
          markets: ["spot"],
          needs: { cpus: 1 },
          where: `offer.cpus > 2.0 && (offer.site != "a" || offer.market != "spot")`,
        },
        ["where", "sites", "markets"],
      ],
      [
        {
          markets: ["spot"],
          needs: { cpus: 16 },
          where: `offer.market == "on-demand" || (offer.cpus < 8 && offer.perHour < 1.0)`,
        },
        ["where", "markets", "needs.cpus"],
      ],
    ];
    for (const [policy, paths] of cases)
      assert.deepEqual(await pathsOf(policy), paths, JSON.stringify(policy));
  });

  test("leaves alone what some offer may meet, and what cannot be told", async () => {
    const cases: AutonomicPolicyInput[] = [
      { needs: { cpus: 64 }, where: "offer.cpus < 65" },
      { needs: { cpus: 64 }, where: "offer.cpus * 2.0 < 8.0" },
      { where: "offer.perHour > 0.29 && offer.perHour < 0.3" },
      { where: "!has(offer.perHour) || offer.perHour < 1.0" },
      { where: `offer.zone.startsWith("eu-") && offer.zone.endsWith("a")` },
      { needs: { labels: { gpu: "a100" } }, where: `"rack" in offer.labels` },
      { needs: { labels: { gpu: "a100" } }, where: "has(offer.labels.rack)" },
      { where: `has(job.title) && job.title == "x"` },
      { where: `["eu-1", "eu-2"].exists(z, offer.zone == z)` },
      { where: `offer.zone > "" && offer.zone < "a"` },
      { sites: ["a"], where: `offer.name == "large" && offer.zone != "b"` },
    ];
    for (const policy of cases) assert.equal(await pathsOf(policy), undefined, policy.where!);
  });

  test("never refuses a policy that an offer meets", async () => {
    const number = fc.constantFrom(0, 0.29, 1, 2, 2.5, 8, 64);
    const word = fc.constantFrom("a", "b", "spot", "on-demand");
    const literal = (value: number) => (Number.isInteger(value) ? `${value}` : String(value));
    const order = fc.constantFrom("<", "<=", ">", ">=", "==", "!=");
    const atom = fc.oneof(
      fc
        .tuple(fc.constantFrom("cpus", "memoryBytes", "perHour", "gramsPerKwh"), order, number)
        .map(([fact, by, value]) => `offer.${fact} ${by} ${literal(value)}`),
      fc
        .tuple(fc.constantFrom("site", "market", "zone", "name"), fc.constantFrom("==", "!="), word)
        .map(([fact, by, value]) => `offer.${fact} ${by} "${value}"`),
      fc.constantFrom("has(offer.perHour)", `offer.zone.startsWith("a")`, "offer.cpus * 2.0 > 3.0"),
    );
    const { where } = fc.letrec<{ where: string }>((tie) => ({
      where: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        atom,
        fc.tuple(tie("where"), tie("where")).map(([a, b]) => `(${a} && ${b})`),
        fc.tuple(tie("where"), tie("where")).map(([a, b]) => `(${a} || ${b})`),
        tie("where").map((a) => `!(${a})`),
      ),
    }));
    const offer = fc.record({
      site: word,
      market: fc.constantFrom<Market>("spot", "on-demand"),
      zone: word,
      name: word,
      capacity: fc.record({
        milliCpus: fc.integer({ min: 0, max: 65_000 }),
        memoryBytes: fc.integer({ min: 0, max: 70 }),
      }),
      microsPerHour: fc.option(fc.integer({ min: 0, max: 65_000_000 }), { nil: undefined }),
      gramsPerKwh: fc.integer({ min: 0, max: 65 }),
    });
    let met = 0;
    await fc.assert(
      fc.asyncProperty(where, offer, fc.nat({ max: 15 }), async (text, one, bits) => {
        if ((await conditionOf(text))(one) !== true) return;
        met++;
        const { milliCpus, memoryBytes } = one.capacity;
        const policy = {
          where: text,
          ...(bits & 1 && { sites: [one.site] }),
          ...(bits & 2 && { markets: [one.market] }),
          needs: {
            ...(bits & 4 && milliCpus > 0 && { cpus: milliCpus / 1000 }),
            ...(bits & 8 && memoryBytes > 0 && { memoryBytes }),
          },
        };
        assert.equal(await pathsOf(policy), undefined);
      }),
      { numRuns: 500 },
    );
    assert.ok(met > 50, `${met} met their condition`);
  });
});
