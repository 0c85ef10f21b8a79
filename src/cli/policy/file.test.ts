import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { policyOfFile } from "./file.ts";

async function refused(text: string): Promise<CanopyError> {
  try {
    await policyOfFile(text, "policy.yaml");
  } catch (thrown) {
    assert.ok(thrown instanceof CanopyError);
    return thrown;
  }
  throw new Error("it was not refused");
}

describe("policyOfFile()", () => {
  test("reads durations and hours as people write them", async () => {
    const text = `deadline: 8h\nbudget: 20 USD\nquiet: "mon-fri 22:00-06:00"\nautonomy:\n  buy: approve\n`;
    assert.deepEqual(await policyOfFile(text, "policy.yaml"), {
      deadlineMs: 8 * 3_600_000,
      budget: "20 USD",
      quiet: { days: [1, 2, 3, 4, 5], from: "22:00", to: "06:00" },
      autonomy: { buy: "approve" },
    });
  });

  test("reads the fleet that jobs share, and says where it cannot", async () => {
    const text = "fleet:\n  waitMax: 2m\n  machinesMax: 8\n  budgetPerHour: 3 USD\n  idleFor: 5m\n";
    assert.deepEqual(await policyOfFile(text, "policy.yaml"), {
      fleet: { waitMsMax: 120_000, machinesMax: 8, budgetPerHour: "3 USD", idleMs: 300_000 },
    });
    const unknown = await refused("fleet:\n  waitMx: 2m\n");
    assert.match(unknown.message, /a policy has no 'fleet.waitMx'/);
    assert.equal(unknown.hint, "Did you mean 'waitMax'?");
    assert.equal(unknown.place!.line, 2);
    assert.equal((await refused("fleet:\n  machinesMax: 8\n  waitMax: soon\n")).place!.line, 3);
    const clash = await refused("fleet:\n  machinesMin: 9\n  waitMax: 1m\n  machinesMax: 8\n");
    assert.match(clash.message, /policy.yaml:2 and policy.yaml:4 contradict each other/);
  });

  test("reads what machines must have at least", async () => {
    const text = "needs: { cpus: 4, memory: 8GiB, labels: { arch: x64 } }\n";
    assert.deepEqual(await policyOfFile(text, "policy.yaml"), {
      needs: { cpus: 4, memoryBytes: 8 * 2 ** 30, labels: { arch: "x64" } },
    });
    assert.match((await refused("needs: { cpu: 4 }\n")).hint!, /Did you mean 'cpus'/);
    assert.match((await refused("needs:\n  memory: much\n")).message, /Cannot read 'needs.memory'/);
  });

  test("names both lines of what contradicts each other", async () => {
    const deadlines = await refused("objective: cost\ndeadline: 8h\ndeadlineMax: 4h\n");
    assert.match(deadlines.message, /policy.yaml:2 and policy.yaml:3 contradict each other/);
    const sites = await refused("sites:\n  - lab\n  - aws\nsitesNever:\n  - aws\n");
    assert.match(
      sites.message,
      /policy.yaml:3 and policy.yaml:5 .* the site 'aws' is allowed and forbidden/,
    );
    const budgets = await refused("budget: 20 USD\nbudgetMax: 2.50 USD\n");
    assert.match(budgets.message, /:1 and policy.yaml:2/);
    const data = await refused(`data:\n  - { blobs: p/, sites: [lab] }\nsitesNever: [lab]\n`);
    assert.match(data.message, /policy.yaml:2 and policy.yaml:3 .* and that is forbidden/);
    const condition = `where: offer.market == "on-demand" && offer.perHour < 1.0\n`;
    const markets = await refused(`markets: [spot]\n${condition}`);
    assert.match(markets.message, /:2 and policy.yaml:1 .* is met by nothing of spot/);
    const onlySites = await refused(`sites: [lab]\nwhere: offer.site.startsWith("aws")\n`);
    assert.match(onlySites.message, /:2 and policy.yaml:1 .* is met by nothing of lab/);
    await policyOfFile(`markets: [spot, on-demand]\n${condition}`, "policy.yaml");
    const currencies = await refused("budget: 20 USD\nbudgetMax: 30 EUR\n");
    assert.match(currencies.message, /:1 and policy.yaml:2 .* one sum is in USD .* in EUR/);
    const always = `quiet: "mon-sun 00:00-00:00"\n`;
    const fleet = "fleet:\n  waitMax: 1m\n  machinesMax: 8\n";
    assert.match((await refused(`${always}${fleet}`)).message, /:1 and policy.yaml:3 .* all hours/);
    const kept = `${fleet}  machinesMin: 2\n`;
    const unpaid = await refused(`${kept}  budgetPerHour: 0.00 USD\n`);
    assert.match(unpaid.message, /:4 and policy.yaml:5 .* nothing may be billed/);
    const manual = await refused(`${kept}autonomy:\n  buy: advise\n`);
    assert.match(manual.message, /:4 and policy.yaml:6 .* none is bought/);
    const labels = `needs: { labels: { gpu: a100 } }\nwhere: offer.labels["gpu"] == "h100"\n`;
    assert.match((await refused(labels)).message, /:2 and policy.yaml:1 .* has the labels/);
  });

  test("names one line that contradicts itself, and all three where it takes as many", async () => {
    const cpus = await refused("needs: { cpus: 64 }\nwhere: offer.cpus < 8\n");
    assert.match(cpus.message, /as policy.yaml:2 and policy.yaml:1 .* nothing of 64 CPUs or more/);
    const price = await refused("where: offer.perHour < 1.0 && offer.perHour > 2.0\n");
    assert.match(price.message, /as policy.yaml:1 contradicts itself: .* is met by nothing$/);
    const nothing = await refused("objective: cost\nbudgetMax: 0 USD\n");
    assert.match(nothing.message, /as policy.yaml:2 contradicts itself: .* none can run$/);
    const where = `where: offer.site != "a" || offer.market != "spot"\n`;
    const three = await refused(`sites: [a]\nmarkets: [spot]\n${where}`);
    assert.match(three.message, /yaml:3, policy.yaml:1 and policy.yaml:2 contradict each other/);
  });

  test("says where a statement is that it does not know, and what was meant", async () => {
    const { message, hint, place } = await refused("objective: cost\ndeadlin: 8h\n");
    assert.match(message, /a policy has no 'deadlin'/);
    assert.equal(hint, "Did you mean 'deadline'?");
    assert.equal(place!.line, 2);
    assert.equal((await refused("deadline: soon\n")).place!.line, 1);
    const shape = await refused("deadline: 8h\nautonomy:\n  buy: maybe\nobjective: fun\n");
    assert.equal(shape.place!.line, 3);
    assert.match(shape.message, /'autonomy.buy' in policy.yaml.*\npolicy.yaml:4:12: .*'objective'/);
    const condition = await refused("budget: 20 USD\nwhere: offer.perHour <\n");
    assert.equal(condition.place!.line, 2);
  });
});
