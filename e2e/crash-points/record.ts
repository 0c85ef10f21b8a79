import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCalls, tracedCalls, type Call } from "./calls.ts";

/** Lets the workload live several times in an empty folder, and gives every call with which it changed that. */
export async function record(options: {
  seed: number;
  /** The workload to run: that of this tree, or of a copy with something planted in it. */
  workload?: string;
  /** How often it starts; every other time it is killed. */
  lives?: number;
}): Promise<{ disk: string; calls: Call[] }> {
  const {
    seed,
    lives = 5,
    workload = fileURLToPath(new URL("workload.ts", import.meta.url)),
  } = options;
  const folder = await mkdtemp(join(tmpdir(), "canopy-recorded-"));
  const [disk, marks, recording] = ["disk", "marks", "calls"].map((name) => join(folder, name));
  try {
    await mkdir(disk!);
    const strace = ["-f", "-y", "-xx", "-s", "2097152", "--seccomp-bpf", "-o", recording!];
    const each = `for life in $(seq ${lives}); do
      "$@" $life; code=$?; [ $code = 0 ] || [ $code = 137 ] || exit 1; done`;
    const child = spawn(
      "strace",
      [...strace, "-e", `trace=${tracedCalls}`, "-e", "signal=none", "sh", "-c", each, "sh"].concat(
        [process.execPath, workload, join(disk!, "data"), marks!, String(seed)],
      ),
      { stdio: ["ignore", "inherit", "pipe"] },
    );
    let said = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`Cannot record the workload: ${said}`);
    return { disk: disk!, calls: await readCalls(recording!, { disk: disk!, marks: marks! }) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
