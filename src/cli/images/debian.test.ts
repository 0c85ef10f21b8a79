import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeDisk } from "./debian.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-debian-"));
after(() => rmSync(folder, { recursive: true }));

test("a guest's disk has it write its own name into /etc/hosts, and mount its root", () => {
  const tree = join(folder, "tree");
  for (const name of ["boot", "etc/cloud/cloud.cfg.d"])
    mkdirSync(join(tree, name), { recursive: true });
  for (const name of ["vmlinuz-6", "initrd.img-6"]) writeFileSync(join(tree, "boot", name), name);
  const [tar, disk] = [join(folder, "tree.tar"), join(folder, "disk.raw")];
  execFileSync("tar", ["-C", tree, "-cf", tar, "."]);
  const size = String(16 * 2 ** 20);
  execFileSync("sh", ["-c", makeDisk, "sh", tar, join(folder, "root"), disk, size, folder]);
  const read = (path: string) =>
    execFileSync("debugfs", ["-R", `cat ${path}`, disk], { encoding: "utf8", stdio: "pipe" });
  assert.equal(read("/etc/cloud/cloud.cfg.d/91-canopy-guest.cfg"), "manage_etc_hosts: localhost\n");
  assert.match(read("/etc/fstab"), /^\/dev\/root \/ ext4/);
});
