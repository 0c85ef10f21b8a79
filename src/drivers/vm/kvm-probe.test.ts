import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { probeKvm, runProbe } from "./kvm-probe.ts";

const host = nodeHost(silent);
const folder = await mkdtemp(join(tmpdir(), "canopy-kvm-"));
after(() => rm(folder, { recursive: true }));

test("the firmware says hello on a processor that is whole, and not on one without what kernels need", async () => {
  assert.equal(await runProbe(host, folder, ["tcg", "max"]), true);
  assert.equal(await runProbe(host, folder, ["tcg", "max,cx16=off"]), false);
  assert.equal(await runProbe(host, folder, ["none-such", "max"]), false);
});

test("probeKvm() asks once after each start of the machine", async () => {
  const first = await probeKvm(host, folder);
  const noPrograms = {
    ...host,
    processes: { ...host.processes, spawn: () => assert.fail("was asked again") },
  };
  assert.equal(await probeKvm(noPrograms, folder), first);
  const otherBoot = {
    ...host,
    files: {
      ...host.files,
      read: async (path: string) =>
        path.endsWith("boot_id") ? Buffer.from("another") : host.files.read(path),
    },
  };
  assert.equal(await probeKvm(otherBoot, folder), first);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".bin")),
    [],
  );
});
