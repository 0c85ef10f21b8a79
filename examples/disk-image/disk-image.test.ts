import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { canopyFile, TestCloud } from "../../e2e/cloud.ts";

const cloud = new TestCloud();
const folder = mkdtempSync(join(tmpdir(), "canopy-disk-image-"));
const MiB = 1024 * 1024;
before(async () => {
  await cloud.up();
  const made = await cloud.canopy("bucket", "create", "lectures");
  assert.equal(made.code, 0, made.stderr);
});
after(async () => {
  rmSync(folder, { recursive: true });
  await cloud.stop();
});

/** Each computer has a home of its own, and knows the cloud by its address and a key. */
function on(computer: string, script: string, ...args: string[]): string {
  const home = join(folder, computer);
  mkdirSync(home, { recursive: true });
  const env = {
    ...cloud.env,
    HOME: home,
    XDG_CONFIG_HOME: join(home, "config"),
    CANOPY: canopyFile,
  };
  const ran = spawnSync(join(import.meta.dirname, script), args, {
    env,
    cwd: home,
    encoding: "utf8",
  });
  assert.equal(ran.status, 0, `${script}: ${ran.stdout}${ran.stderr}`);
  return ran.stdout;
}

test("a disk image made here is kept compressed, restored on another computer as a block file, and read there", () => {
  const lecture = join(folder, "lecture");
  mkdirSync(join(lecture, "week 1"), { recursive: true });
  // Half of it is like itself, half like nothing.
  const film = Buffer.alloc(48 * MiB, "frame after frame ");
  for (let at = 24 * MiB; at < film.length; at += 32)
    createHash("sha256").update(String(at)).digest().copy(film, at);
  writeFileSync(join(lecture, "week 1", "film.mkv"), film);
  writeFileSync(join(lecture, "notes.txt"), "what a file system is\n");
  on("desk", "save.sh", lecture, "s3://lectures/week-1.img.zst", "256M");

  const image = join(folder, "laptop", "week-1.img");
  assert.match(
    on("laptop", "restore.sh", "s3://lectures/week-1.img.zst", image),
    /is as it was saved/,
  );
  assert.equal(statSync(image).size, 256 * MiB);
  assert.equal(statSync(image).mode & 0o170000, 0o100000);
  const out = join(folder, "out.mkv");
  execFileSync("/usr/sbin/debugfs", ["-R", `dump "/week 1/film.mkv" ${out}`, image], {
    stdio: "ignore",
  });
  assert.ok(readFileSync(out).equals(film));

  const mounted = join(folder, "mounted");
  mkdirSync(mounted);
  // Where this process may, it is mounted as well: a container may lack loop devices.
  if (spawnSync("mount", ["-o", "loop,ro", image, mounted]).status !== 0) return;
  try {
    assert.equal(readFileSync(join(mounted, "notes.txt"), "utf8"), "what a file system is\n");
    assert.ok(readFileSync(join(mounted, "week 1", "film.mkv")).equals(film));
  } finally {
    execFileSync("umount", [mounted]);
  }
});
