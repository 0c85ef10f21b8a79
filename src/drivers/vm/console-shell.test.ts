import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { consoleTail } from "./guest-console.ts";
import { consoleShell } from "./console-shell.ts";

test("what a guest prints is cut to its last bytes without its agent, and one shell does it for all", async (t) => {
  const { processes, files } = nodeHost(silent);
  const folder = await mkdtemp(join(tmpdir(), "canopy-consoles-"));
  const shells = () => processes.marked("CANOPY_CONSOLES", `m/${folder}`);
  t.after(async () => {
    for (const pid of shells()) processes.kill(pid);
    await rm(folder, { recursive: true, maxRetries: 3 });
  });
  const long = join(folder, "i-1", "console.log");
  const short = join(folder, "i-2", "console.log");
  for (const name of ["i-1", "i-2"]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "machine.json"), "{}");
  }
  await writeFile(long, `${"x".repeat(limits.consoleFileBytesMax)}the last words`);
  await writeFile(short, "few words");
  const shell = consoleShell(processes, "m", folder);
  shell.see();
  consoleShell(processes, "m", folder).see();
  let seen = shells();
  // what a shell starts has its environment until it is another program
  for (let tries = 0; seen.length > 1 && tries < 100; tries++) {
    await wait(20);
    seen = shells();
  }
  assert.equal(seen.length, 1);
  const size = async () => (await stat(long)).size;
  for (let tries = 0; (await size()) > 0 && tries < 500; tries++) await wait(20);
  assert.equal(await size(), 0);
  await writeFile(long, ", and more", { flag: "a" });
  const tail = await consoleTail(files, join(folder, "i-1"));
  assert.equal(tail.length, limits.guestConsoleBytesMax);
  assert.match(Buffer.from(tail).toString(), /xthe last words, and more$/);
  assert.equal(await readFile(short, "utf8"), "few words");
});
