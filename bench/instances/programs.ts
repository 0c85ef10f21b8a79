import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const busybox = "/bin/busybox";
const applets = "sh cat echo grep sleep mkdir mount tar";

/** A root folder with busybox and these programs of the machine in it, and the libraries that they need. */
export function rootWith(root: string, programs: readonly string[]): void {
  for (const name of ["bin", "etc", "proc", "dev", "sys", "tmp", "volumes"])
    mkdirSync(join(root, name), { recursive: true });
  copyFileSync(busybox, join(root, busybox));
  for (const name of applets.split(" ")) symlinkSync("busybox", join(root, "bin", name));
  for (const program of programs)
    for (const path of [program, ...librariesOf(program)]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(path, join(root, path));
    }
}

function librariesOf(program: string): string[] {
  return execFileSync("ldd", [program])
    .toString()
    .split("\n")
    .flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

/** What `docker save` writes of an image with that root folder; gives the archive's path. */
export function archiveOf(root: string, command: readonly string[]): string {
  const made = `${root}.archive`;
  mkdirSync(made);
  const layer = join(made, "layer.tar");
  execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", layer, "."]);
  const digest = createHash("sha256").update(readFileSync(layer)).digest("hex");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: command },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(made, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: ["bench:1"], Layers: ["layer.tar"] }];
  writeFileSync(join(made, "manifest.json"), JSON.stringify(manifest));
  execFileSync("tar", ["-C", made, "-cf", `${root}.tar`, "."]);
  return `${root}.tar`;
}
