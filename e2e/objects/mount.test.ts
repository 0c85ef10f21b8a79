import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { canopyFile } from "../cloud.ts";
import { until } from "../until.ts";
import { bytesOf, Ground } from "./ground.ts";

let ground: Ground;
before(async () => {
  ground = await Ground.start("mounted");
});
after(() => ground.stop());

for (const program of ["rclone", "s3fs"]) {
  test(`mount makes a folder of a bucket with ${program}: what is written there is an object, and the other way round`, async () => {
    const folder = join(ground.folder, program);
    const large = bytesOf(12 * 1024 * 1024, 5);
    writeFileSync(join(ground.folder, "large"), large);
    await ground.mustCanopy("cp", join(ground.folder, "large"), `s3://mounted/${program}/there`);
    // Debian's rclone ends at once where it finds AWS_CA_BUNDLE.
    const authorities = { AWS_CA_BUNDLE: "/etc/ssl/certs/ca-certificates.crt" };
    const env = { ...ground.cloud.env, ...authorities };
    const mount = [canopyFile, "objects", "mount", `s3://mounted/${program}`, folder];
    const { code, stderr } = await ground.runIn(env, ...mount, "--with", program);
    assert.equal(code, 0, stderr);
    try {
      assert.ok(readFileSync(join(folder, "there")).equals(large));
      writeFileSync(join(folder, "written"), `by ${program}`);
      await until("it is an object", async () => {
        const { code, stdout } = await ground.canopy("cat", `s3://mounted/${program}/written`);
        return code === 0 && stdout === `by ${program}`;
      });
    } finally {
      await ground.mustCanopy("unmount", folder);
    }
  });
}

test("mount says what is wrong before anything is mounted", async () => {
  const { code, stderr } = await ground.canopy(
    "mount",
    "s3://none-there",
    join(ground.folder, "x"),
  );
  assert.equal(code, 3);
  assert.match(stderr, /NoSuchBucket/);
});
