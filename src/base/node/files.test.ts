import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { nodeFiles as files } from "./files.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-files-"));
after(() => rmSync(folder, { recursive: true }));

const nobody = 65534;

async function* pieces(...texts: string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function textOf(stream: AsyncIterable<Uint8Array>) {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

test("write() replaces a file whole, with the mode asked for", async () => {
  const path = join(folder, "deep", "secret");
  await files.write(path, "one", { mode: 0o600 });
  await files.write(path, "two", { mode: 0o600 });
  assert.equal(Buffer.from((await files.read(path))!).toString(), "two");
  assert.equal((await files.stat(path))!.mode, 0o600);
  assert.deepEqual(await files.list(join(folder, "deep")), ["secret"]);
});

test("writeStream() leaves neither a file nor a trace when its source fails", async () => {
  async function* failing() {
    yield Buffer.from("half");
    throw new Error("lost");
  }
  await assert.rejects(files.writeStream(join(folder, "broken", "file"), failing()), /lost/);
  assert.deepEqual(await files.list(join(folder, "broken")), []);
});

test("stream() and read() give parts; stat(), read() and list() of what is not there give nothing", async () => {
  const path = join(folder, "parts");
  assert.deepEqual(await files.writeStream(path, pieces("abc", "def")), { sizeBytes: 6 });
  assert.equal(await textOf(files.stream(path, { offset: 2, length: 3 })), "cde");
  assert.equal(await textOf(files.stream(path, { offset: 4 })), "ef");
  assert.equal(Buffer.from((await files.read(path, { offset: 1, length: 2 }))!).toString(), "bc");
  assert.equal(await files.read(join(folder, "none")), undefined);
  assert.equal(await files.stat(join(folder, "none")), undefined);
  assert.deepEqual(await files.list(join(folder, "none")), []);
});

test("append() adds to the end of a file", async () => {
  const path = join(folder, "log", "lines");
  for (const line of ["a\n", "b\n"]) {
    const appender = await files.append(path);
    await appender.write(line);
    await appender.sync();
    await appender.close();
  }
  assert.equal(await textOf(files.stream(path)), "a\nb\n");
});

/** What a process that runs `script`, with \`files\` at hand, has the kernel sync: names within `top`. */
function synced(top: string, script: string): string[] {
  const recording = join(folder, "calls");
  const module = join(import.meta.dirname, "files.ts");
  const program = `import { nodeFiles as files } from ${JSON.stringify(module)};\n${script}`;
  const options = [
    "-f",
    "-qq",
    "-y",
    "-o",
    recording,
    "-e",
    "trace=fsync,fdatasync",
    "--seccomp-bpf",
  ];
  const { status, stderr } = spawnSync("strace", [
    ...options,
    process.execPath,
    "--input-type=module",
    "--eval",
    program,
  ]);
  assert.equal(status, 0, String(stderr));
  const calls = readFileSync(recording, "utf8").matchAll(/sync\(\d+<([^>]*)>/g);
  const names = [...calls].map(([, path]) => path!).filter((path) => path.startsWith(top));
  return [...new Set(names.map((path) => path.replace(/[0-9a-f-]{36}-\d+\.aside$/, "aside")))];
}

test("write() and sync() of a new file sync the folders that an earlier process made, up to one that stays, or nothing at all", () => {
  const top = mkdtempSync(join(folder, "synced-"));
  const deep = join(top, "a", "b");
  // Made, and not synced: only a process that has ended could have said whether it was.
  mkdirSync(deep, { recursive: true });
  const above = [join(top, "a"), top];
  const path = join(deep, "file");
  const write = `await files.write(${JSON.stringify(path)}, "x");`;
  assert.deepEqual(synced(top, write), [...above, `${path}.aside`, deep]);
  const again = `${write} await files.write(${JSON.stringify(path)}, "y");`;
  assert.deepEqual(synced(top, again), [...above, `${path}.aside`, deep]);
  const lines = join(deep, "lines");
  const append = `const file = await files.append(${JSON.stringify(lines)});
    await file.write("x"); await file.sync(); await file.close();`;
  assert.deepEqual(synced(top, append), [lines, ...above, deep]);
  const passing = `await files.write(${JSON.stringify(path)}, "z", { durable: false });`;
  assert.deepEqual(synced(top, passing), []);
  assert.equal(readFileSync(path, "utf8"), "z");
});

test("makeFolder() makes what is missing above it, does nothing twice, and throws where none can be made", async () => {
  const path = join(folder, "a", "b", "c");
  await Promise.all([files.makeFolder(path), files.makeFolder(path)]);
  await files.makeFolder(path);
  assert.equal((await files.stat(path))!.isFolder, true);
  await assert.rejects(files.makeFolder("/proc/canopy/data"), { code: "ENOENT" });
  await files.write(join(folder, "file"), "");
  await assert.rejects(files.makeFolder(join(folder, "file")), { code: "EEXIST" });
});

test("remove() removes a folder that its owner may not write any more", async () => {
  const top = mkdtempSync(join(tmpdir(), "canopy-rights-"));
  const isRoot = process.geteuid!() === 0;
  if (isRoot) chownSync(top, nobody, nobody);
  try {
    if (isRoot) process.seteuid!(nobody); // root may always
    await files.write(join(top, "left", "deep", "file"), "x");
    chmodSync(join(top, "left", "deep"), 0o000);
    chmodSync(join(top, "left"), 0o500);
    await files.remove(join(top, "left"));
    assert.deepEqual(await files.list(top), []);
  } finally {
    if (isRoot) process.seteuid!(0);
    rmSync(top, { recursive: true, force: true });
  }
});

test("touch() is on disk when it resolves, and rejects when it cannot be brought there", () => {
  const path = join(folder, "touched");
  const module = new URL("files.ts", import.meta.url).href;
  const touch = (...failing: string[]) => {
    const program = `
      const { nodeFiles } = await import(${JSON.stringify(module)});
      await nodeFiles.write(${JSON.stringify(path)}, "x", { durable: false });
      const said = await nodeFiles.touch(${JSON.stringify(path)}, 1_000_000).catch(() => "failed");
      console.log(said ?? (await nodeFiles.stat(${JSON.stringify(path)})).modifiedMs);`;
    const traced = ["-f", "-qq", "-P", path, "-e", "trace=fsync", ...failing, process.execPath];
    return spawnSync("strace", [...traced, "-e", program], { encoding: "utf8" }).stdout.trim();
  };
  assert.equal(touch(), "1000000");
  assert.equal(touch("-e", "inject=fsync:error=EIO"), "failed");
});
