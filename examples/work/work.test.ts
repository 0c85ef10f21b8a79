import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

interface Report {
  readBytes: number;
  writtenBytes: number;
  cpuMs: number;
}

/** Runs the program in a folder with those files, and gives what it says and wrote. */
async function work(
  request: object,
  files: Record<string, string>,
): Promise<{ report: Report; outputs: Buffer[] }> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-work-"));
  try {
    await copyFile(join(import.meta.dirname, "work.mjs"), join(folder, "work.mjs"));
    for (const [path, content] of Object.entries(files))
      await writeFile(join(folder, path), content);
    const report = await new Promise<Report>((resolve, reject) => {
      const child = execFile(process.execPath, ["work.mjs"], { cwd: folder }, (error, stdout) =>
        error ? reject(error) : resolve(JSON.parse(stdout) as Report),
      );
      child.stdin!.end(JSON.stringify(request));
    });
    const writes = Object.keys((request as { writes?: object }).writes ?? {});
    const outputs = await Promise.all(writes.map((path) => readFile(join(folder, path))));
    return { report, outputs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("work.mjs reads all it was given and writes files of the sizes asked for", async () => {
  const writes = { "a.dat": 100_001, "sub/b.dat": 10, "empty.dat": 0 };
  const { report, outputs } = await work(
    { writes },
    { "in.txt": "x".repeat(5000), "more.txt": "y" },
  );
  assert.deepEqual([report.readBytes, report.writtenBytes], [5001, 100_011]);
  assert.deepEqual(
    outputs.map(({ length }) => length),
    [100_001, 10, 0],
  );
});

test("work.mjs works for the CPU time asked for", async () => {
  const { report } = await work({ cpuMs: 400 }, {});
  assert.ok(report.cpuMs >= 400, `${report.cpuMs} ms`);
});

test("work.mjs writes what follows from what it read", async () => {
  const writes = { "out.dat": 64 };
  const [one, same, other] = await Promise.all(
    ["1", "1", "2"].map((text) => work({ writes }, { in: text })),
  );
  assert.deepEqual(one!.outputs, same!.outputs);
  assert.notDeepEqual(one!.outputs, other!.outputs);
});
