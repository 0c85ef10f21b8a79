import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { checkEffects } from "./effects.ts";
import type { Fault } from "./faults.ts";

const orphansParent = 7;
const folder = mkdtempSync(join(tmpdir(), "canopy-effects-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

/** Lines of "index agent runner time". */
function check(lines: string[], faults: Partial<Fault>[]) {
  const effects = join(folder, `${(files += 1)}`);
  writeFileSync(effects, `${lines.join("\n")}\n`);
  const offered = new Set(lines.map((line) => line.split(" ")[0])).size;
  const jobs = [{ id: "j", steps: [{ effects, offered }] }];
  return checkEffects(
    jobs,
    faults.map((fault) => ({ what: "kill", lastedMs: 0, ...fault }) as Fault),
    orphansParent,
  );
}

describe("checkEffects()", () => {
  const twice = ["0 10 11 5000", "1 10 11 5000", "0 20 21 6000"];

  test("counts tasks that ran, and those that ran again because what ran them was killed", () => {
    for (const pid of [10, 11]) {
      const { runs, again, violations } = check(twice, [{ pid, wallMs: 5500 }]);
      assert.deepEqual([runs, again, violations], [3, 1, []]);
    }
  });

  test("takes a program without its parent for one whose agent was killed", () => {
    const orphan = [`0 ${orphansParent} 11 5000`, "0 20 21 6000"];
    assert.deepEqual(check(orphan, [{ kind: "agent", pid: 9, wallMs: 4990 }]).violations, []);
    assert.equal(check(orphan, [{ kind: "leader", pid: 9, wallMs: 4990 }]).violations.length, 1);
  });

  test("finds tasks that never ran", () => {
    const jobs = [{ id: "j", steps: [{ effects: join(folder, "none"), offered: 2 }] }];
    assert.deepEqual(checkEffects(jobs, [], orphansParent).violations, [
      "task j/0/0 never ran",
      "task j/0/1 never ran",
    ]);
  });

  test("finds a task that ran again with no reason", () => {
    const others = [
      [],
      [{ pid: 12, wallMs: 5500 }],
      [{ pid: 10, wallMs: 6500 }],
      [{ pid: 10, wallMs: 5500, what: "pause" as const, lastedMs: 1000 }],
    ];
    for (const faults of others)
      assert.match(check(twice, faults).violations[0] ?? "", /task j\/0\/0 ran again at 6000/);
    const early = [{ pid: 10, wallMs: 1000, what: "pause" as const, lastedMs: 3000 }];
    assert.equal(check(twice, early).violations.length, 1);
    const late = [{ pid: 10, wallMs: 5500, what: "pause" as const, lastedMs: 9000 }];
    assert.equal(check(twice, late).violations.length, 1);
  });

  test("counts absences between which there was no time to come back as one", () => {
    const cut = (wallMs: number, lastedMs = 4000) =>
      ({ pid: 10, what: "cut", wallMs, lastedMs }) as const;
    const again = ["0 10 11 5000", "0 20 21 16000"];
    assert.deepEqual(check(again, [cut(5500, 9000)]).violations, []);
    assert.deepEqual(check(again, [cut(5500), cut(12_000)]).violations, []);
    assert.equal(check(again, [cut(5500), cut(14_000)]).violations.length, 1);
    assert.equal(check(again, [cut(5500), { ...cut(9600), pid: 12 }]).violations.length, 1);
  });
});
