import { CanopyError } from "#/base/errors.ts";
import type { HeldMachine } from "../site.ts";

/** What a host says of itself. */
export interface HostLook {
  /** As Node names them: "linux", "x64". */
  readonly os: string;
  readonly arch: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly hasProgram: boolean;
  /** A Node there that is new enough. */
  readonly node: string | undefined;
  readonly machines: readonly HeldMachine[];
}

const archs: Record<string, string> = { x86_64: "x64", aarch64: "arm64" };

/** Reads what `lookScript` prints. Throws CanopyError "forbidden" for a host that printed something else. */
export function parseLook(printed: string, address: string): HostLook {
  const lines = printed.split("\n");
  // What a login script prints may stand before it.
  const host = lines.map((line) => /^host (\S+) (\S+) (\d+) (\d+) (yes|no) (.+)$/.exec(line));
  const [, os, arch, cpus, kibibytes, hasProgram, node] = host.find((found) => found) ?? [];
  if (os === undefined || arch === undefined) {
    throw new CanopyError(
      "forbidden",
      `Cannot use ${address} as it must be Linux with a POSIX shell: it said '${printed.trim().slice(0, 200)}'`,
    );
  }
  return {
    os: os.toLowerCase(),
    arch: archs[arch] ?? arch,
    cpus: Number(cpus),
    memoryBytes: Number(kibibytes) * 1024,
    hasProgram: hasProgram === "yes",
    node: node === "-" ? undefined : node,
    machines: lines.flatMap(machineOf),
  };
}

function machineOf(line: string): HeldMachine[] {
  const found = /^machine (\S+) (booting|running|ended) (\d+) (\d+) ?(.*)$/.exec(line);
  if (!found) return [];
  const [, order = "", state, handle = "", since, words = ""] = found;
  return [
    {
      order,
      handle,
      state: state as HeldMachine["state"],
      since: since === "0" ? undefined : Number(since) * 1000,
      ...(state === "ended" && { reason: words || "its agent has ended" }),
    },
  ];
}
