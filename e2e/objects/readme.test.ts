import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { canopyFile } from "../cloud.ts";
import { bytesOf, Ground } from "./ground.ts";

let ground: Ground;
before(async () => {
  ground = await Ground.start();
});
after(() => ground.stop());

test("what the README says of objects does what it says", async () => {
  const file = (name: string) => join(ground.folder, name);
  mkdirSync(file("photos"));
  mkdirSync(file("bin"));
  symlinkSync(canopyFile, file("bin/canopy"));
  writeFileSync(file("photos/one.jpg"), "a photo");
  writeFileSync(file("film.mkv"), bytesOf(10 * 1024 * 1024, 3));
  writeFileSync(file("secret.txt"), "for us alone\n");
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
  const section = /### Objects\n[^]*?```sh\n([^]*?)```/.exec(readme)![1]!;
  assert.equal(section.match(/^canopy /gm)!.length, 14, "each line is a command");
  writeFileSync(file("commands.sh"), `set -e\n${section}`);
  const env = { ...ground.cloud.env, PATH: `${file("bin")}:${process.env["PATH"]}` };
  const { code, stdout, stderr } = await ground.runIn(env, "sh", "commands.sh");
  assert.equal(code, 0, stderr);
  assert.match(stdout, /for us alone/);
  assert.ok(
    readFileSync(file("beginning")).equals(readFileSync(file("film.mkv")).subarray(0, 100)),
  );
  const again = await ground.mustCanopy("ls", "-r", "s3://films/again", "--json=key");
  assert.deepEqual(
    (JSON.parse(again) as { key: string }[]).map(({ key }) => key),
    ["again/photos/one.jpg", "again/secret", "again/week-1/film.mkv"],
  );
});
