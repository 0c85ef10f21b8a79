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
    const condition = `where: offer.market == "on-demand" && offer.perHour < 1.0\n`;
    const markets = await refused(`markets: [spot]\n${condition}`);
    assert.match(markets.message, /:2 and policy.yaml:1 .* is met by nothing of spot/);
    const onlySites = await refused(`sites: [lab]\nwhere: offer.site.startsWith("aws")\n`);
    assert.match(onlySites.message, /:2 and policy.yaml:1 .* is met by nothing of lab/);
    await policyOfFile(`markets: [spot, on-demand]\n${condition}`, "policy.yaml");
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
