import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { answerFile, Warden } from "./warden.ts";

test("a warden ends what has a lease when nothing is written for it, and nothing else, and goes when nothing has one", async (t) => {
  const { processes, files } = nodeHost(silent);
  const folder = await mkdtemp(join(tmpdir(), "canopy-warden-"));
  const mark = folder;
  const sleeper = () => {
    const { pid } = processes.spawn(["/bin/sleep", "60"], {
      folder,
      env: { PATH: "/bin", CANOPY_WARDEN_TEST: mark },
    });
    return { pid, handle: `${pid}:${processes.startedTicks(pid)}` };
  };
  const [leased, other, later] = [sleeper(), sleeper(), sleeper()];
  const shells = () => processes.marked("CANOPY_WARDEN", mark);
  t.after(async () => {
    for (const { pid } of [leased, other, later]) processes.kill(pid);
    for (const pid of shells()) processes.kill(pid);
    await rm(folder, { recursive: true, maxRetries: 3 });
  });
  const warden = new Warden({ processes, files, folder, mark });
  for (const name of ["i-1", "i-2"])
    await mkdir(join(folder, "instances", name), { recursive: true });
  await writeFile(join(folder, answerFile), "1");
  await warden.hold(join(folder, "instances/i-1"), 1000, [leased.handle]);
  // A process of the same id that began at another time is not the one that was meant.
  await warden.hold(join(folder, "instances/i-2"), 1000, [`${later.pid}:1`]);
  warden.watch();
  const pass = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));
  let seen = shells();
  // what a shell starts has its environment until it is another program
  for (let tries = 0; seen.length > 1 && tries < 100; tries++) {
    await pass(20);
    seen = shells();
  }
  assert.equal(seen.length, 1);
  for (let second = 0; second < 4; second++) {
    await writeFile(join(folder, answerFile), String(second + 2));
    await pass(1000);
  }
  assert.ok(processes.isAlive(leased.pid));
  for (let tries = 0; processes.isAlive(leased.pid) && tries < 100; tries++) await pass(100);
  assert.ok(!processes.isAlive(leased.pid));
  assert.ok(processes.isAlive(other.pid) && processes.isAlive(later.pid));
});
