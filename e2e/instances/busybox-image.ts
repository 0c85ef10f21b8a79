import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What `docker save` writes of an image that holds busybox alone, and runs a script: a file in `folder`. */
export function busyboxImage(folder: string, script: string): string {
  const made = mkdtempSync(join(folder, "archive-"));
  const root = join(made, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  for (const name of ["sh", "sleep", "nc"]) copyFileSync("/bin/busybox", join(root, "bin", name));
  execFileSync("tar", ["-C", root, "-cf", join(made, "layer.tar"), "."]);
  const layer = readFileSync(join(made, "layer.tar"));
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/sh", "-c", script] },
    rootfs: {
      type: "layers",
      diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`],
    },
  };
  writeFileSync(join(made, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: ["busybox:1"], Layers: ["layer.tar"] }];
  writeFileSync(join(made, "manifest.json"), JSON.stringify(manifest));
  const path = `${made}.tar`;
  execFileSync("tar", ["-C", made, "-cf", path, "manifest.json", "config.json", "layer.tar"]);
  return path;
}
