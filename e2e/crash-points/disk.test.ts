import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Call } from "./calls.ts";
import { Chance } from "#/base/testing/chance.ts";
import { cutFile } from "./cut-file.ts";
import { Disk } from "./disk.ts";

const made: Call[] = [
  { type: "create", path: "/d/file" },
  { type: "write", path: "/d/file", data: Buffer.from("hello") },
];
const syncs: Call[] = [
  { type: "sync", path: "/d/file", from: 2 },
  { type: "sync", path: "/d", from: 3 },
];

/** What may be left of "file" when the power goes after these calls. */
function outcomes(calls: Call[]): Set<string | undefined> {
  const disk = new Disk("/d");
  calls.forEach((call, at) => disk.apply(call, at));
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  return new Set(
    seeds.map((seed) => {
      const content = disk.cut(new Chance(seed)).get("file");
      return content && String(Buffer.from(content));
    }),
  );
}

describe("Disk.cut()", () => {
  test("may lose a file that was synced, but whose folder was not; never one of both", () => {
    assert.ok(outcomes([...made, syncs[0]!]).has(undefined));
    assert.deepEqual([...outcomes([...made, ...syncs])], ["hello"]);
  });

  test("may find a file empty or torn that was renamed before it was synced", () => {
    const renamed: Call[] = [
      { type: "create", path: "/d/aside" },
      { type: "write", path: "/d/aside", data: Buffer.from("hello") },
      { type: "rename", path: "/d/aside", to: "/d/file" },
      { type: "sync", path: "/d", from: 3 },
    ];
    const found = outcomes(renamed);
    assert.ok(found.has("") && found.has("hello") && !found.has(undefined));
  });

  test("a sync covers only what was written before it was entered", () => {
    const late: Call[] = [
      ...made,
      { type: "write", path: "/d/file", data: Buffer.from(" you") },
      { type: "sync", path: "/d/file", from: 2 },
      { type: "sync", path: "/d", from: 4 },
    ];
    const found = outcomes(late);
    assert.ok(found.has("hello") && found.has("hello you"));
    for (const content of found) assert.match(content!, /^hello/);
  });

  test("a removed file may come back until its folder is synced", () => {
    const removed: Call[] = [...made, ...syncs, { type: "unlink", path: "/d/file" }];
    assert.deepEqual(outcomes(removed), new Set(["hello", undefined]));
    assert.deepEqual(
      [...outcomes([...removed, { type: "sync", path: "/d", from: 5 }])],
      [undefined],
    );
  });
});

test("cutFile() makes each sector of what was written: old, new, or of a write between", () => {
  const sectors = fc.array(
    fc.record({ sector: fc.nat(7), letter: fc.constantFrom("a", "b", "c") }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  fc.assert(
    fc.property(sectors, fc.nat(), (writes, seed) => {
      const durable = Buffer.alloc(8 * 512, "-");
      const pending = writes.map(({ sector, letter }, at) => ({
        at,
        offset: sector * 512,
        data: Buffer.alloc(512, letter),
      }));
      const cut = cutFile({ durable, sizeBytes: durable.length, pending }, new Chance(seed));
      for (let sector = 0; sector < 8; sector++) {
        const content = String(cut.subarray(sector * 512, (sector + 1) * 512));
        const letters = [
          "-",
          ...writes.filter((write) => write.sector === sector).map(({ letter }) => letter),
        ];
        assert.ok(
          letters.some((letter) => content === letter.repeat(512)),
          `sector ${sector}`,
        );
      }
    }),
  );
});
