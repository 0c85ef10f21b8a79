import assert from "node:assert/strict";
import { test } from "node:test";
import { costOfMachine, hasOrderEnded, orderPhases, type OrderRecord } from "./order.ts";

test("costOfMachine() bills begun units whole, a least time, and nothing for an unknown price", () => {
  const hour = { microsPerHour: 3_600_000, priceGranularityMs: 3_600_000, billedMsMin: 0 };
  assert.equal(costOfMachine(hour, 0), 0);
  assert.equal(costOfMachine(hour, 1), 3_600_000);
  assert.equal(costOfMachine(hour, 3_600_000), 3_600_000);
  assert.equal(costOfMachine(hour, 3_600_001), 7_200_000);
  const second = { microsPerHour: 3_600_000, priceGranularityMs: 1000, billedMsMin: 60_000 };
  assert.equal(costOfMachine(second, 1), 60_000);
  assert.equal(costOfMachine(second, 90_500), 91_000);
  assert.equal(costOfMachine({ ...second, microsPerHour: undefined }, 90_500), undefined);
});

test("hasOrderEnded() is true where nothing is left at the site", () => {
  const ended = orderPhases.filter((phase) =>
    hasOrderEnded({ status: { phase, since: 0 } } as OrderRecord),
  );
  assert.deepEqual(ended, ["released", "failed"]);
});
