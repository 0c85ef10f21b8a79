import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { policyOfFile } from "./file.ts";

function refused(text: string): CanopyError {
  try {
    policyOfFile(text, "policy.yaml");
  } catch (thrown) {
    assert.ok(thrown instanceof CanopyError);
    return thrown;
  }
  throw new Error("it was not refused");
}

describe("policyOfFile()", () => {
  test("reads durations and hours as people write them", () => {
    const text = `deadline: 8h\nbudget: 20 USD\nquiet: "mon-fri 22:00-06:00"\nautonomy:\n  buy: approve\n`;
    assert.deepEqual(policyOfFile(text, "policy.yaml"), {
      deadlineMs: 8 * 3_600_000,
      budget: "20 USD",
      quiet: { days: [1, 2, 3, 4, 5], from: "22:00", to: "06:00" },
      autonomy: { buy: "approve" },
    });
  });

  test("names both lines of what contradicts each other", () => {
    const deadlines = refused("objective: cost\ndeadline: 8h\ndeadlineMax: 4h\n");
    assert.match(deadlines.message, /policy.yaml:2 and policy.yaml:3 contradict each other/);
    const sites = refused("sites:\n  - lab\n  - aws\nsitesNever:\n  - aws\n");
    assert.match(
      sites.message,
      /policy.yaml:3 and policy.yaml:5 .* the site 'aws' is allowed and forbidden/,
    );
    const budgets = refused("budget: 20 USD\nbudgetMax: 2.50 USD\n");
    assert.match(budgets.message, /:1 and policy.yaml:2/);
  });

  test("says where a statement is that it does not know, and what was meant", () => {
    const { message, hint, place } = refused("objective: cost\ndeadlin: 8h\n");
    assert.match(message, /a policy has no 'deadlin'/);
    assert.equal(hint, "Did you mean 'deadline'?");
    assert.equal(place!.line, 2);
    assert.equal(refused("deadline: soon\n").place!.line, 1);
  });
});
