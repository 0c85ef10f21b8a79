import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { faultsOf, hear, type Expected } from "./inspect-objects.ts";

const workload = fileURLToPath(new URL("workload.ts", import.meta.url));
const life = "1"; // one that is not killed

/** Lets the workload live with the nth sync of a file failing; gives its exit code and what was recorded. */
function live(folder: string, failing: { call: string; file: string; number: number }) {
  const [data, marks, recording] = ["data", "marks", "calls"].map((name) => join(folder, name));
  const { call, file, number } = failing;
  const paths = ["-P", join(data!, file), "-P", marks!];
  const inject = ["-e", `trace=write,${call}`, "-e", `inject=${call}:error=EIO:when=${number}`];
  const program = [process.execPath, workload, data!, marks!, "1", life];
  const args = ["-f", "-qq", "-o", recording!].concat(paths, inject, program);
  const { status } = spawnSync("strace", args);
  return { status, lines: readFileSync(recording!, "utf8").split("\n"), data: data! };
}

describe("when a sync fails, the process ends and acknowledges nothing after it:", () => {
  const cases = [
    { what: "of the database, in a checkpoint", call: "fsync", file: "space.db", number: 5 },
    {
      what: "of the write-ahead log, before a checkpoint",
      call: "fsync",
      file: "space.db-wal",
      number: 12,
    },
    { what: "of a batch", call: "fdatasync", file: "space.db-wal", number: 10 },
  ];
  for (const { what, ...failing } of cases) {
    test(what, async () => {
      const folder = mkdtempSync(join(tmpdir(), "canopy-failing-"));
      try {
        const { status, lines, data } = live(folder, failing);
        assert.equal(status, 1);
        const at = lines.findIndex((line) => line.includes("(INJECTED)"));
        const isAcknowledged = (line: string) => /kept\\":\d/.test(line);
        const before = lines.slice(0, at).filter(isAcknowledged).length;
        assert.ok(before > 0, "some are acknowledged before");
        assert.deepEqual(lines.slice(at).filter(isAcknowledged), []);
        const log = new SqliteLog(join(data, "space.db"));
        const { records } = await log.load();
        const count = [...records].find(({ name }) => name === "count")?.spec as { title: string };
        assert.ok(Number(count.title) >= before, `${count.title} commits, ${before} acknowledged`);
        await log.close();
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});

test("when a write to the log of objects fails, the process ends and has acknowledged nothing that is lost", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-failing-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const objects = fileURLToPath(new URL("object-workload.ts", import.meta.url));
  const [data, marks] = ["data", "marks"].map((name) => join(folder, name));
  const pack = join(data!, "objects", "packs", "0000000001.pack");
  const inject = ["-e", "trace=pwritev", "-e", "inject=pwritev:error=EIO:when=4"];
  const program = [process.execPath, objects, data!, marks!, "1", life];
  assert.equal(spawnSync("strace", ["-f", "-qq", "-P", pack, ...inject, ...program]).status, 1);
  const expected: Expected = new Map();
  for (const line of readFileSync(marks!, "utf8").trim().split("\n")) hear(expected, line);
  const acknowledged = [...expected.values()].filter((may) => !may.has("gone"));
  assert.ok(acknowledged.length > 0, "some are acknowledged before");
  assert.deepEqual(await faultsOf(data!, expected), []);
});
