import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hunt } from "./mutants/run.ts";
import { planted } from "./mutants/planted.ts";
import { runSeed } from "./run.ts";
import kept from "./seeds.json" with { type: "json" };
import { runSeeds } from "./seeds.ts";

const root = join(import.meta.dirname, "..");
const firstSeeds = 50;
const huntedMs = 30_000;

describe("the simulation", () => {
  test("does the same with the same seed, event by event", async () => {
    for (const seed of [1, 2, 3]) {
      const [once, again] = [await runSeed(seed), await runSeed(seed)];
      assert.equal(once.violation, undefined);
      assert.ok(once.events > 1000);
      const { realMs: _once, ...same } = once;
      const { realMs: _again, ...twice } = again;
      assert.deepEqual(same, twice);
    }
  });

  test("does something else with another seed", async () => {
    const [one, other] = [await runSeed(1), await runSeed(2)];
    assert.notEqual(one.digest, other.digest);
  });

  test("finds no broken promise in seeds that once found one", async () => {
    for (const { seed, found } of kept)
      assert.equal((await runSeed(seed)).violation, undefined, `seed ${seed}: ${found}`);
  });

  /** The same ones each time, so that a change that passes here passes again; `npm run sim` takes others. */
  test("finds no broken promise in the first seeds", async () => {
    const { outcomes } = await runSeeds({ from: 1, count: firstSeeds });
    const broken = outcomes.filter(({ violation }) => violation);
    assert.deepEqual(
      broken.map(({ seed, violation }) => `npm run sim -- --seed ${seed}: ${violation!.message}`),
      [],
    );
    assert.equal(outcomes.length, firstSeeds);
  });
});

describe("planted bugs", () => {
  test("fit the source, each in one place", async () => {
    for (const { name, file, search } of planted) {
      const source = await readFile(join(root, file), "utf8");
      assert.equal(source.split(search).length - 1, 1, `'${name}' in ${file}`);
    }
  });

  /** A share of them, another one each time; `npm run sim -- --mutants` hunts all. */
  test("are found", async (t) => {
    const untilMs = performance.now() + huntedMs;
    const first = Math.floor(Math.random() * planted.length);
    const shuffled = [...planted.slice(first), ...planted.slice(0, first)];
    let hunted = 0;
    for (const mutant of shuffled) {
      if (performance.now() > untilMs) break;
      const { isFound, seconds, message } = await hunt(mutant);
      t.diagnostic(`${mutant.name}: ${seconds.toFixed(1)} s, ${message}`);
      assert.ok(isFound, `'${mutant.name}' was not found`);
      hunted++;
    }
    assert.ok(hunted > 0);
  });
});
