import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limits } from "#/base/limits.ts";
import type { FunctionAbilities } from "#/model/function-wire.ts";
import type { FunctionInterpreter } from "#/model/function.ts";
import { runCommand, systemPath } from "../instances/command.ts";
import type { Mounts } from "./mounts.ts";
import type { FunctionParts } from "./parts.ts";
import type { SandboxKind } from "./sandbox.ts";
import { seccompProgram } from "./seccomp/program.ts";

const MiB = 1024 * 1024;

/** Beside this file, and beside the agent where that is bundled. */
export const runtimeFiles = [
  "node-runtime.mjs",
  "python_runtime.py",
  "bootstrap-runtime.sh",
] as const;
export const runtimePath = (name: string) =>
  fileURLToPath(new URL(`./runtimes/${name}`, import.meta.url));

/** Programs that sandboxes are made with, and the Debian package of each. */
const needed: readonly [program: string, debian: string][] = [
  ["bwrap", "bubblewrap"],
  ["setpriv", "util-linux"],
  ["nsenter", "util-linux"],
  ["unshare", "util-linux"],
  ["mount", "mount"],
];

/** Who a function is inside, as on AWS; outside it is its sandbox's owner. */
const user = { uid: "993", gid: "990" };
const accounts = {
  passwd: `root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:${user.uid}:${user.gid}::/home/sbx_user1051:/sbin/nologin\n`,
  group: `root:x:0:\nsbx_user1051:x:${user.gid}:\n`,
  hosts: "127.0.0.1 localhost\n::1 localhost\n",
};

/** What every sandbox has of the machine, read-only: its programs and libraries, and what they look up. */
const shared = ["/etc/ld.so.cache", "/etc/ssl", "/etc/localtime", "/etc/alternatives"];

/** Programs of the machine by which functions run, as they are found once. */
export class Programs {
  readonly abilities: FunctionAbilities;
  /** All sandboxes read it. */
  readonly folder: string;
  #shared: readonly string[];
  #hasFilter: boolean;

  /** Looks at what there is and puts what sandboxes need into `folder`. */
  static async find(parts: FunctionParts, folder: string): Promise<Programs> {
    const { files, processes } = parts;
    for (const name of runtimeFiles)
      await files.write(join(folder, name), (await files.read(runtimePath(name))) ?? "", {
        durable: false,
        mode: 0o644,
      });
    for (const [name, text] of Object.entries(accounts))
      await files.write(join(folder, name), text, { durable: false, mode: 0o644 });
    const { arch } = processes.facts();
    const filter = seccompProgram(arch);
    if (filter) await files.write(join(folder, "seccomp"), filter, { durable: false, mode: 0o644 });
    await files.write(join(folder, "node"), "", { durable: false, mode: 0o755 });
    await files.setMode(folder, 0o755);
    const missing = await missingOf(parts);
    const interpreters: FunctionInterpreter[] = ["node", "bootstrap"];
    if (await files.stat("/usr/bin/python3")) interpreters.push("python");
    else
      missing.push("functions in Python: Debian's python3 is not there: apt-get install python3");
    const present: string[] = [];
    for (const path of shared) if (await files.stat(path)) present.push(path);
    const isAble = !missing.some((why) => why.startsWith("functions:"));
    return new Programs({ interpreters: isAble ? interpreters : [], missing }, folder, {
      shared: present,
      hasFilter: filter !== undefined,
    });
  }

  private constructor(
    abilities: FunctionAbilities,
    folder: string,
    found: { shared: readonly string[]; hasFilter: boolean },
  ) {
    this.abilities = abilities;
    this.folder = folder;
    this.#shared = found.shared;
    this.#hasFilter = found.hasFilter;
  }

  /** What starts a sandbox: into the mounts' namespace, away from root, into namespaces of its own, and there the program. */
  command(kind: SandboxKind, mounts: Mounts, slot: number, owner: number): string[] {
    const folder = mounts.slot(slot);
    const { base } = mounts;
    const filter = this.#hasFilter ? `exec 9<${base}/seccomp; ` : "";
    const script = `ulimit -c 0; ulimit -n ${limits.sandboxOpenFiles}; ${filter}exec "$@"`;
    const sandbox = [
      `setpriv --reuid=${owner} --regid=${owner} --clear-groups --no-new-privs`,
      `bwrap --unshare-all --unshare-user --uid ${user.uid} --gid ${user.gid} --hostname sandbox`,
      `--die-with-parent --new-session --clearenv --setenv PATH ${systemPath}`,
      this.#hasFilter ? "--seccomp 9" : "",
      "--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin",
      "--symlink usr/lib /lib --symlink usr/lib64 /lib64",
      ...this.#shared.map((path) => `--ro-bind ${path} ${path}`),
      ...Object.keys(accounts).map((name) => `--ro-bind ${base}/${name} /etc/${name}`),
      `--ro-bind ${base} /var/runtime --proc /proc --dev /dev`,
      `--ro-bind ${folder}/task /var/task --bind ${folder}/tmp /tmp --dir /opt`,
      "--remount-ro / --chdir / --",
    ];
    const words = sandbox.join(" ").split(" ").filter(Boolean);
    const into = ["nsenter", `--mount=${mounts.namespace}`, "/bin/sh", "-c", script, "sh"];
    return [...into, ...words, ...this.#program(kind)];
  }

  #program({ interpreter, memoryBytes }: SandboxKind): string[] {
    const memoryMb = Math.floor(memoryBytes / MiB);
    switch (interpreter) {
      case "node":
        return [
          "/var/runtime/node",
          `--max-old-space-size=${Math.max(32, Math.floor(memoryMb * 0.85))}`,
          `--max-semi-space-size=${memoryMb < 512 ? 2 : 8}`,
          "/var/runtime/node-runtime.mjs",
        ];
      case "python":
        return ["/usr/bin/python3", "-B", "/var/runtime/python_runtime.py"];
      case "bootstrap":
        return ["/bin/sh", "/var/runtime/bootstrap-runtime.sh"];
    }
  }
}

/** Why functions cannot run here, if they cannot, and what to install. */
async function missingOf(parts: FunctionParts): Promise<string[]> {
  const { files, cages, processes } = parts;
  const missing: string[] = [];
  const absent = new Set<string>();
  for (const [program, debian] of needed) {
    const places = systemPath.split(":").map((place) => files.stat(join(place, program)));
    if (!(await Promise.all(places)).some(Boolean)) absent.add(debian);
  }
  if (absent.size > 0)
    missing.push(
      `functions: ${[...absent].join(", ")} must be there: apt-get install ${[...absent].join(" ")}`,
    );
  if (!cages)
    missing.push(
      "functions: control groups must be writable: run the agent as root, or delegate some to it",
    );
  if (missing.length > 0) return missing;
  const trial = [
    "setpriv",
    "--reuid",
    String(limits.sandboxOwnerBase),
    "--regid",
    String(limits.sandboxOwnerBase),
  ];
  const sandbox = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"];
  const said = await runCommand(processes, [...trial, "--clear-groups", ...sandbox], {
    env: parts.mark,
  });
  if (said.code !== 0)
    missing.push(
      `functions: sandboxes must be allowed, by root and with user namespaces: ${said.errors.trim().slice(0, 500)}`,
    );
  return missing;
}
