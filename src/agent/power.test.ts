import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeHost } from "#/base/node/host.ts";
import { PowerMeter } from "./power.ts";

const roots: string[] = [];
after(() => roots.forEach((root) => rmSync(root, { recursive: true })));

const rangeUj = 262_143_328_850;
const usage = { startedAt: 0, memoryBytes: 0, readBytes: 0, writtenBytes: 0 };

/** A folder as the kernel's: two sockets with memory, and what must not be counted twice. */
class Computer {
  readonly clock = new ManualClock();
  readonly root = mkdtempSync(join(tmpdir(), "canopy-rapl-"));
  readonly powercap = join(this.root, "powercap");
  readonly procStat = join(this.root, "stat");
  #uj = new Map<string, number>();
  #ticks = 1000;

  constructor(firstUj = 1_000_000) {
    roots.push(this.root);
    for (const [folder, name] of [
      ["intel-rapl:0", "package-0"],
      ["intel-rapl:0:0", "core"],
      ["intel-rapl:0:1", "dram"],
      ["intel-rapl:1", "package-1"],
      ["intel-rapl:2", "psys"],
      ["intel-rapl-mmio:0", "package-0"],
    ] as const) {
      mkdirSync(join(this.powercap, folder), { recursive: true });
      writeFileSync(join(this.powercap, folder, "name"), `${name}\n`);
      writeFileSync(join(this.powercap, folder, "max_energy_range_uj"), `${rangeUj}\n`);
      this.#uj.set(folder, firstUj);
    }
    mkdirSync(join(this.powercap, "dtpm"), { recursive: true });
    this.passes(0, 0);
  }

  /** Each domain draws `joules`, and all processes use `cpuMs`; then the meter looks. */
  async lives(meter: PowerMeter, ms: number, joules: number, cpuMs: number): Promise<void> {
    this.passes(joules, cpuMs);
    await this.clock.advance(ms);
    await meter.look();
  }

  passes(joules: number, cpuMs: number): void {
    for (const [folder, uj] of this.#uj) {
      const next = (uj + Math.round(joules * 1e6)) % rangeUj;
      this.#uj.set(folder, next);
      writeFileSync(join(this.powercap, folder, "energy_uj"), `${next}\n`);
    }
    this.#ticks += cpuMs / 10;
    writeFileSync(this.procStat, `cpu  ${this.#ticks} 0 0 99999 0 0 0 0 0 0\ncpu0 1 2 3 4\n`);
  }

  /** With nothing that makes it look by itself. */
  async open(): Promise<PowerMeter | undefined> {
    const { processes } = nodeHost(silent);
    const four = { ...processes, facts: () => ({ ...processes.facts(), cpus: 4 }) };
    const host = { clock: this.clock, files: nodeFiles, log: silent, processes: four };
    const meter = await PowerMeter.open(host, this);
    meter?.stop();
    return meter;
  }
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(
    Math.abs(actual! - expected) < 1e-6 * Math.max(1, expected),
    `${actual} for ${expected}`,
  );

describe("PowerMeter", () => {
  test("gives a task its share of CPU time of what is drawn above rest, and of rest what it holds", async () => {
    const computer = new Computer();
    const meter = (await computer.open())!;
    // Three domains count: at rest 10 W each, then 40 W each.
    await computer.lives(meter, 1000, 10, 0);
    for (let second = 0; second < 10; second++) await computer.lives(meter, 1000, 40, 2000);
    // Rest is 30 W in all, so 90 W are above it; a quarter of the CPUs, and half of the CPU time.
    near(
      meter.shareOf({ ...usage, wallMs: 8000, cpuMs: 8000 }, 1000),
      30 * 8 * 0.25 + 90 * 8 * 0.5,
    );
    near(meter.shareOf({ ...usage, wallMs: 8000, cpuMs: 0 }, 2000), 30 * 8 * 0.5);
    near(meter.watts, 120);
  });

  test("goes on where a counter begins again", async () => {
    const computer = new Computer(rangeUj - 15_000_000);
    const meter = (await computer.open())!;
    for (let second = 0; second < 4; second++) await computer.lives(meter, 1000, 10, 4000);
    near(meter.shareOf({ ...usage, wallMs: 3000, cpuMs: 12_000 }, 4000), 90);
  });

  test("says nothing of a task that ran before it, and is not there where nothing can be read", async () => {
    const computer = new Computer();
    const meter = (await computer.open())!;
    await computer.lives(meter, 1000, 10, 0);
    assert.equal(meter.shareOf({ ...usage, wallMs: 5000, cpuMs: 1 }, 1000), undefined);
    rmSync(computer.powercap, { recursive: true });
    assert.equal(await computer.open(), undefined);
    const dark = new Computer();
    for (const folder of ["intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1"])
      rmSync(join(dark.powercap, folder, "energy_uj"));
    assert.equal(await dark.open(), undefined);
  });

  test("never gives tasks more than was drawn", async () => {
    const computer = new Computer();
    const meter = (await computer.open())!;
    for (let second = 0; second < 6; second++)
      await computer.lives(meter, 1000, 10 + second * 7, 4000);
    const drawn = 3 * [17, 24, 31, 38, 45].reduce((sum, joules) => sum + joules, 0);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 4 }),
        (parts) => {
          const all = parts.reduce((sum, part) => sum + part, 0) || 1;
          const shares = parts.map((part) =>
            meter.shareOf({ ...usage, wallMs: 5000, cpuMs: (20_000 * part) / all }, 1000)!,
          );
          const held = parts.map((part) => Math.max(0.25, part / all));
          const overcommitted = held.reduce((sum, part) => sum + part, 0);
          assert.ok(shares.reduce((sum, share) => sum + share, 0) <= drawn * overcommitted + 1e-6);
        },
      ),
    );
  });
});
