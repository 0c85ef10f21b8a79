import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { endAllOf, Program, seeProcess } from "./processes.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-processes-"));
after(() => {
  endAllOf(folder);
  rmSync(folder, { recursive: true });
});

function start(name: string, script: string): Program {
  return new Program(name, () => ({
    command: ["sh", "-c", script, join(folder, name)],
    env: { PATH: process.env["PATH"]! },
    logFile: join(folder, `${name}.log`),
  }));
}

test("ready() is the next life's as soon as this one was killed", async () => {
  const program = start("sleeper", "echo $$; exec sleep 600");
  const first = await program.ready();
  assert.equal(first, String(program.pid));
  assert.equal(await program.ready(), first);
  assert.ok(program.kill(0));
  const second = await program.ready();
  assert.notEqual(second, first);
  assert.equal(second, String(program.pid));
  assert.deepEqual(program.ownEnds, []);
  await program.stop();
});

test("ownEnds says how a program ended by itself, whether it had been ready, and what it said", async () => {
  const ends = 'if [ -e "$0" ]; then echo ready; fi; touch "$0"; echo broken >&2; exit 3';
  const program = start("ending", ends);
  while (program.ownEnds.length < 2) await sleep(20);
  await program.stop();
  const [first, second] = program.ownEnds;
  const end = { how: "status 3", status: 3, said: "broken\n" };
  assert.deepEqual(first, { ...end, hasSaid: false });
  assert.deepEqual(second, { ...end, hasSaid: true });
});

test("endAllOf() ends what was started in a folder, also what is paused", async () => {
  const program = start("paused", 'exec tail -f "$0.log"');
  while (program.pid === undefined) await sleep(5);
  const { pid } = program;
  program.pause();
  endAllOf(folder);
  while (!["Z", undefined].includes(seeProcess(pid)?.state)) await sleep(5);
  await program.stop();
});
