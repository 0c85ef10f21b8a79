import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { thisWorld } from "#/sdk/world.ts";
import { canopyFile } from "../cloud.ts";
import { until } from "../until.ts";
import { bytesOf, Ground } from "./ground.ts";

let ground: Ground;
const MiB = 1024 * 1024;
const file = (name: string) => join(ground.folder, name);
const put = (name: string, content: string | Buffer) => writeFileSync(file(name), content);

before(async () => {
  ground = await Ground.start("films");
});
after(() => ground.stop());

test("cp, ls, cat, mv and rm do with objects what they do with files, and say what is wrong by exit codes", async () => {
  const large = bytesOf(20 * MiB + 17, 1);
  put("small.html", "<p>hello\n");
  put("large", large);
  await ground.mustCanopy("cp", file("small.html"), "s3://films/");
  await ground.mustCanopy("cp", file("large"), "s3://films/folder/large");
  assert.match(await ground.mustCanopy("ls", "s3://films"), /folder\/\t.*\n.*small.html\t9B/);
  assert.match(await ground.mustCanopy("ls", "s3://films/folder"), /folder\/large\t20MiB/);
  const head = await ground.must(
    "aws",
    "s3api",
    "head-object",
    "--bucket",
    "films",
    "--key",
    "small.html",
  );
  assert.match(head, /text\/html/);
  await ground.mustCanopy("cp", "s3://films/folder/large", file("back"));
  assert.ok(readFileSync(file("back")).equals(large));
  assert.equal(await ground.mustCanopy("cat", "s3://films/small.html", "--range", "3-6"), "hell");
  await ground.mustCanopy("mv", "s3://films/small.html", "s3://films/../odd/é ü+%.html");
  assert.equal(await ground.mustCanopy("cat", "s3://films/../odd/é ü+%.html"), "<p>hello\n");
  const listed = JSON.parse(
    await ground.mustCanopy("ls", "s3://films", "-r", "--json=key,sizeBytes"),
  );
  assert.deepEqual(listed, [
    { key: "../odd/é ü+%.html", sizeBytes: 9 },
    { key: "folder/large", sizeBytes: large.length },
  ]);
  const unasked = await ground.canopy("rm", "s3://films", "-r");
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /--yes/);
  await ground.mustCanopy("rm", "s3://films", "-r", "--yes");
  assert.equal((await ground.canopy("cat", "s3://films/folder/large")).code, 3);
  assert.equal((await ground.canopy("ls", "s3://none")).code, 3);
  assert.equal((await ground.canopy("cp", "a", "b")).code, 2);
});

test("a project, or a cloud of CANOPY_…, is meant before AWS's variables, and a key that is wrong is refused", async () => {
  put("keep", "of default");
  await ground.mustCanopy("cp", file("keep"), "s3://films/keep");
  assert.equal((await ground.cloud.canopy("project", "create", "other")).code, 0);
  const env = { ...ground.cloud.env, ...ground.env, HOME: ground.cloud.env["HOME"]! };
  const objects = (more: Record<string, string>, ...args: string[]) =>
    ground.runIn({ ...env, ...more }, canopyFile, "objects", ...args);
  const elsewhere = ["rm", "s3://films/keep", "-r", "--yes", "--project", "other"];
  assert.notEqual((await objects({}, ...elsewhere)).code, 0);
  assert.equal((await objects({}, "ls", "--project", "other")).stdout.includes("films"), false);
  assert.equal((await objects({}, "ls")).code, 0);
  assert.equal((await objects({ CANOPY_KEY: "wrong" }, "ls")).code, 4);
  assert.equal((await objects({ CANOPY_URL: "http://127.0.0.1:1" }, "ls")).code, 7);
  assert.equal(await ground.mustCanopy("cat", "s3://films/keep"), "of default");
  const help = await ground.mustCanopy("presign", "--help");
  assert.match(help, /default: 1h/);
});

test("what comes by a pipe is counted", async () => {
  const put = `printf hello | ${canopyFile} objects cp - s3://films/piped --json=bytes`;
  const { stdout, stderr } = await ground.runIn(ground.cloud.env, "sh", "-c", put);
  assert.match(stdout, /5/, stderr);
});

test("presign gives an address that works without a key, and only for its call", async () => {
  put("film", "a film");
  await ground.mustCanopy("cp", file("film"), "s3://films/film");
  const url = (await ground.mustCanopy("presign", "s3://films/film", "--expires", "10m")).trim();
  assert.equal(await (await fetch(url)).text(), "a film");
  assert.equal((await fetch(url, { method: "DELETE" })).status, 403);
  assert.equal((await fetch(url.replace("/film?", "/film2?"))).status, 403);
  const upload = (await ground.mustCanopy("presign", "s3://films/put", "--method", "PUT")).trim();
  assert.equal((await fetch(upload, { method: "PUT", body: "by anyone" })).status, 200);
  assert.equal(await ground.mustCanopy("cat", "s3://films/put"), "by anyone");
});

test("sync makes one side like the other, and has nothing to do the second time", async () => {
  for (const folder of ["tree", "tree/a", "tree/b"]) mkdirSync(file(folder));
  for (const name of ["x", "a/one", "a/two", "b/three"]) put(`tree/${name}`, `it is ${name}`);
  const done = async (...more: string[]) =>
    JSON.parse(await ground.mustCanopy("sync", file("tree"), "s3://films/tree", "--json", ...more));
  assert.equal((await done()).copied, 4);
  assert.deepEqual(await done(), { copied: 0, bytes: 0, failed: [], removed: 0, unchanged: 4 });
  put("tree/x", "it is longer");
  await ground.must("rm", file("tree/a/two"));
  const plan = await done("--delete", "--dry-run");
  assert.deepEqual(
    plan.actions.map(({ action, path }: { action: string; path: string }) => `${action} ${path}`),
    ["copy x", "remove a/two"],
  );
  const unasked = await ground.canopy("sync", file("tree"), "s3://films/tree", "--delete");
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /remove 1 object from s3:\/\/films\/tree[^]*--yes/);
  assert.match(await ground.mustCanopy("ls", "-r", "s3://films/tree"), /a\/two/);
  assert.equal((await done("--delete", "--yes")).removed, 1);
  await ground.mustCanopy("sync", "s3://films/tree", file("again"));
  await ground.must("diff", "-r", file("tree"), file("again"));
});

test("an object whose key would lead out of the folder is not written", async () => {
  await ground.must("aws", "s3api", "put-object", "--bucket", "films", "--key", "evil/../../../x");
  put("good", "good");
  await ground.mustCanopy("cp", file("good"), "s3://films/evil/good");
  const { code, stderr } = await ground.canopy("cp", "-r", "s3://films/evil", file("evil"));
  assert.equal(code, 1);
  assert.match(stderr, /leads elsewhere/);
  assert.deepEqual(readdirSync(file("evil")), ["good"]);
});

test("a cp that is killed in the middle goes on where it was, up and down", async () => {
  const content = bytesOf(64 * MiB, 2);
  put("film.img", content);
  await cutOff(["cp", file("film.img"), "s3://films/film.img"]);
  const found = await ground.must("aws", "s3api", "list-multipart-uploads", "--bucket", "films");
  const [{ UploadId }] = (JSON.parse(found) as { Uploads: { UploadId: string }[] }).Uploads as [
    { UploadId: string },
  ];
  const parts = await ground.must(
    "aws",
    "s3api",
    "list-parts",
    "--bucket",
    "films",
    "--key",
    "film.img",
    "--upload-id",
    UploadId,
  );
  const { Parts: before } = JSON.parse(parts) as {
    Parts: { PartNumber: number; LastModified: string }[];
  };
  assert.ok(before.length >= 1 && before.length <= 8, `${before.length} parts came`);
  await ground.mustCanopy("cp", file("film.img"), "s3://films/film.img");
  const left = await ground.must("aws", "s3api", "list-multipart-uploads", "--bucket", "films");
  assert.doesNotMatch(left, /UploadId/, "it was gone on with, and not begun anew");
  await cutOff(["cp", "s3://films/film.img", file("back.img")]);
  assert.ok(!readdirSync(ground.folder).includes("back.img"), "half of it is not there");
  const part = readdirSync(ground.folder).find((name) => name.startsWith(".back.img."));
  assert.ok(part, "what came is kept beside");
  await ground.mustCanopy("cp", "s3://films/film.img", file("back.img"));
  assert.ok(readFileSync(file("back.img")).equals(content));
  assert.ok(!readdirSync(ground.folder).some((name) => name.startsWith(".back.img.")));
});

/** Starts it and kills it once it has told so much progress. */
async function cutOff(args: string[]): Promise<void> {
  const child = spawn(canopyFile, ["objects", ...args, "--parallel", "1", "--progress", "json"], {
    env: ground.cloud.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let bytesDone = 0;
  for await (const piece of child.stderr) {
    for (const [, bytes] of String(piece).matchAll(/"bytesDone":(\d+)/g)) bytesDone = Number(bytes);
    if (bytesDone > 0) break;
  }
  child.kill("SIGKILL");
  await until("it has ended", () => child.exitCode !== null || child.signalCode !== null);
  assert.ok(bytesDone > 0 && child.signalCode === "SIGKILL", "it was killed in the middle");
}

test("what is sealed tells the store nothing, opens with its key alone, and not once it was changed", async () => {
  const content = Buffer.alloc(17 * MiB, "what nobody else may read ");
  put("secret", content);
  await ground.mustCanopy("keygen", file("key.json"));
  await ground.mustCanopy("keygen", file("other.json"));
  await ground.mustCanopy("cp", file("secret"), "s3://films/secret", "--encrypt", file("key.json"));
  await ground.mustCanopy("cp", "s3://films/secret", file("raw"), "--raw");
  const raw = readFileSync(file("raw"));
  assert.equal(raw.includes("nobody"), false);
  const refused = await ground.canopy("cp", "s3://films/secret", file("x"));
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /--decrypt/);
  const wrong = ["cp", "s3://films/secret", file("x"), "--decrypt", file("other.json")];
  assert.equal((await ground.canopy(...wrong)).code, 4);
  const right = ["--decrypt", file("key.json")];
  await ground.mustCanopy("cp", "s3://films/secret", file("opened"), ...right);
  assert.ok(readFileSync(file("opened")).equals(content));
  const part = await ground.mustCanopy(
    "cat",
    "s3://films/secret",
    "--range",
    "100000-300001",
    ...right,
  );
  assert.equal(part, content.subarray(100_000, 300_002).toString());
  // A copy of ours is sealed for its name; one that another made is refused, and so is what was never sealed.
  assert.equal((await ground.canopy("cp", "s3://films/secret", "s3://films/no")).code, 4);
  await ground.mustCanopy("cp", "s3://films/secret", "s3://films/ours", ...right);
  assert.equal(await ground.mustCanopy("cat", "s3://films/ours", ...right), content.toString());
  const copied = "--copy-source films/secret --bucket films --key theirs".split(" ");
  await ground.must("aws", "s3api", "copy-object", ...copied);
  const theirs = await ground.canopy("cat", "s3://films/theirs", ...right);
  assert.equal(theirs.code, 1);
  assert.equal(theirs.stdout, "");
  assert.match(theirs.stderr, /sealed under another name[^]*--any-name/);
  await ground.mustCanopy("mv", "s3://films/theirs", "s3://films/mine", ...right, "--any-name");
  assert.equal(await ground.mustCanopy("cat", "s3://films/mine", ...right), content.toString());
  put("plain", "not sealed");
  await ground.mustCanopy("cp", file("plain"), "s3://films/plain");
  for (const [word, ...more] of [["cp", file("p")], ["cat"], ["cat", "--range", "0-3"]]) {
    const plain = await ground.canopy(word!, "s3://films/plain", ...more, ...right);
    assert.equal(plain.code, 1);
    assert.equal(plain.stdout, "");
    assert.match(plain.stderr, /is not sealed[^]*--raw/);
  }
  assert.ok(!readdirSync(ground.folder).includes("p"));
  // Another one who may write to the bucket swaps two chunks, and leaves its metadata as it was.
  const full = 64 * 1024 + 16;
  const swapped = Buffer.concat([
    raw.subarray(full, 2 * full),
    raw.subarray(0, full),
    raw.subarray(2 * full),
  ]);
  put("swapped", swapped);
  const head = await ground.must(
    "aws",
    "s3api",
    "head-object",
    "--bucket",
    "films",
    "--key",
    "secret",
  );
  const { Metadata } = JSON.parse(head) as { Metadata: Record<string, string> };
  const metadata = JSON.stringify(Metadata);
  await ground.must(
    "aws",
    "s3api",
    "put-object",
    "--bucket",
    "films",
    "--key",
    "secret",
    "--body",
    "swapped",
    "--metadata",
    metadata,
  );
  const damaged = await ground.canopy("cp", "s3://films/secret", file("y"), ...right);
  assert.equal(damaged.code, 1);
  assert.match(damaged.stderr, /chunk 0 was changed, moved/);
  assert.ok(!readdirSync(ground.folder).includes("y"));
});

test("a program keeps objects by the SDK, sealed and not, as the commands do", async () => {
  const { openObjects } = await import("#/sdk/sdk.ts");
  const { url, key, env } = ground.cloud;
  const world = { ...thisWorld(), env, home: env["HOME"]!, folder: ground.folder };
  const objects = await openObjects({ url, key, world });
  async function* counted() {
    for (let number = 0; number < 100_000; number++) yield Buffer.from(`line ${number}\n`);
  }
  const metadata = { by: "a program" };
  await objects.write("s3://films/lines.txt", counted(), { contentType: "text/plain", metadata });
  const lines = await text(objects.read("s3://films/lines.txt"));
  assert.match(lines, /^line 0\n[^]*\nline 99999\n$/);
  assert.equal(await text(objects.read("s3://films/lines.txt", { start: 7, end: 13 })), "line 1");
  await ground.mustCanopy("keygen", file("program.json"));
  const sealed = await objects.sealed("program.json");
  await sealed.write("s3://films/sealed.txt", Buffer.from("for us alone"));
  assert.equal(await text(sealed.read("s3://films/sealed.txt")), "for us alone");
  assert.equal(await text(sealed.read("s3://films/sealed.txt", { start: 4, end: 6 })), "us");
  await assert.rejects(text(objects.read("s3://films/sealed.txt")), { code: "unauthenticated" });
  await sealed.readFile("s3://films/sealed.txt", "sealed.txt");
  assert.equal(readFileSync(file("sealed.txt"), "utf8"), "for us alone");
  await objects.writeFile("s3://films/copy.txt", "sealed.txt");
  assert.equal(
    await (await fetch(objects.presign("s3://films/copy.txt", 60_000))).text(),
    "for us alone",
  );
  await objects.remove("s3://films/copy.txt");
  const names = (await Array.fromAsync(objects.list("s3://films/"))).map((one) => one.key);
  assert.ok(names.includes("lines.txt") && !names.includes("copy.txt"));
});
