import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { nodeProcesses } from "#/base/node/processes.ts";
import type { Process } from "#/base/processes.ts";
import { ScriptShells } from "./script-shells.ts";

/** Shells with what they have started. */
function shellsOf(t: TestContext) {
  const started: Process[] = [];
  const spawn: typeof nodeProcesses.spawn = (command, options) => {
    const process = nodeProcesses.spawn(command, options);
    started.push(process);
    return process;
  };
  const shells = new ScriptShells({ ...nodeHost(silent), processes: { spawn } });
  t.after(() => shells.close());
  return { started, shells };
}

test("scripts that follow each other are run by one shell and know nothing of each other", async (t) => {
  const { started, shells } = shellsOf(t);
  await shells.run("cd /tmp; here=\"it's\"; cat <<'.' >/dev/null\n$(false)\n.\n");
  await shells.run('[ "$PWD$here" = / ]; [ -z "$(cat)" ]');
  assert.equal(started.length, 1);
  shells.close();
  assert.deepEqual(await started[0]!.ended, { code: 0, signal: undefined });
});

test("a script ends with the first thing that cannot be done, and so does one that is none; the next one runs", async (t) => {
  const { started, shells } = shellsOf(t);
  await assert.rejects(shells.run("echo why >&2; false; echo not this"), {
    message: "Cannot make the instance's network: why",
  });
  await assert.rejects(shells.run("if then"), /network: .*[Ss]yntax error/);
  await shells.run("true");
  assert.equal(started.length, 1);
});

test("a shell that was killed is not waited for: another one takes its place", async (t) => {
  const { started, shells } = shellsOf(t);
  await shells.run("true");
  await assert.rejects(shells.run("kill -9 $$"), /the shell has ended/);
  await shells.run("true");
  started.at(-1)!.signal("SIGKILL");
  await started.at(-1)!.ended;
  await shells.run("true");
  assert.equal(started.length, 3);
});
