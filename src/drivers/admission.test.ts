import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Admission, type Seat } from "./admission.ts";

const capacity = { milliCpus: 2000, memoryBytes: 100 };

test("ask() never seats more than fits, seats all in the end, and nobody passes who waits", () => {
  const need = fc.record({
    milliCpus: fc.integer({ min: 1, max: 2500 }),
    memoryBytes: fc.integer({ min: 0, max: 120 }),
  });
  fc.assert(
    fc.property(
      fc.array(need, { maxLength: 30 }),
      fc.array(fc.nat(), { maxLength: 60 }),
      (needs, picks) => {
        const admission = new Admission(capacity);
        const seated: { place: number; seat: Seat }[] = [];
        const order: number[] = [];
        needs.forEach((one, place) =>
          admission.ask(one, (seat) => {
            order.push(place);
            seated.push({ place, seat });
          }),
        );
        const check = () => {
          const used = seated.map(({ place }) => needs[place]!);
          const cpus = used.reduce((sum, one) => sum + Math.min(one.milliCpus, 2000), 0);
          const memory = used.reduce((sum, one) => sum + Math.min(one.memoryBytes, 100), 0);
          assert.ok(cpus <= 2000 && memory <= 100, "no more than fits");
        };
        for (const pick of [...picks, ...needs.map(() => 0)]) {
          check();
          const [gone] = seated.splice(seated.length > 0 ? pick % seated.length : 0, 1);
          gone?.seat.release();
          gone?.seat.release();
        }
        assert.deepEqual(
          order,
          needs.map((_, place) => place),
        );
      },
    ),
  );
});

test("what needs nothing never waits, and withdraw() lets the next one in", () => {
  const admission = new Admission(capacity);
  const entered: string[] = [];
  admission.ask({ milliCpus: 1500, memoryBytes: 0 }, () => void entered.push("first"));
  const large = admission.ask(
    { milliCpus: 1000, memoryBytes: 0 },
    () => void entered.push("large"),
  );
  admission.ask({ milliCpus: 500, memoryBytes: 0 }, () => void entered.push("small"));
  admission.ask({ milliCpus: 0, memoryBytes: 0 }, () => void entered.push("free"));
  assert.deepEqual(entered, ["first", "free"]);
  assert.equal(admission.isContended(), true);
  large.withdraw();
  assert.deepEqual(entered, ["first", "free", "small"]);
  assert.equal(admission.isContended(), false);
});
