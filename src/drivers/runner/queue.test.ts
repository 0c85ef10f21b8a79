import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Queue } from "./queue.ts";

test("Queue does what a plain array does", () => {
  const action = fc.constantFrom("push", "unshift", "shift", "remove", "drain", "many");
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const queue = new Queue<number>();
      const model: number[] = [];
      actions.forEach((name, n) => {
        if (name === "push") queue.push(model.push(n) && n);
        else if (name === "unshift") queue.unshift(model.unshift(n) && n);
        else if (name === "shift") assert.equal(queue.shift(), model.shift());
        else if (name === "drain") assert.deepEqual(queue.drain(), model.splice(0));
        else if (name === "many") {
          for (let i = 0; i < 3000; i++) queue.push(i);
          for (let i = 0; i < 3000; i++) model.push(i);
          for (let i = 0; i < 2900; i++) assert.equal(queue.shift(), model.shift());
        } else if (model.length > 0) {
          const item = model[n % model.length]!;
          model.splice(model.indexOf(item), 1);
          assert.equal(queue.remove(item), true);
        } else assert.equal(queue.remove(n), false);
        assert.equal(queue.size, model.length);
        assert.equal(queue.first, model[0]);
      });
    }),
    { numRuns: 50 },
  );
});
