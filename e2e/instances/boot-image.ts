import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

const applets =
  "awk cat chmod grep gunzip gzip kill ls mkdir nc nproc ps rm sh sleep tail tar wget".split(" ");

/** What cloud-init does with user data, by busybox: it is fetched with a token, and run once. */
const boot = `#!/bin/sh
at=169.254.169.254
ask='PUT /latest/api/token HTTP/1.1\\r\\nHost: 169.254.169.254\\r\\nX-aws-ec2-metadata-token-ttl-seconds: 60\\r\\nConnection: close\\r\\n\\r\\n'
until token=$(printf "$ask" | nc $at 80 | tail -n 1) && [ -n "$token" ]; do sleep 0.1; done
wget -qO /user-data --header "X-aws-ec2-metadata-token: $token" http://$at/latest/user-data && sh /user-data
exec sleep 1000000
`;

/**
 * Writes what `docker save` gives of an image that runs its user data: busybox, and of libraries the C and C++ ones
 * that Node needs, as a small system has them. Gives its path.
 */
export function bootImage(folder: string): string {
  const root = join(folder, "root");
  for (const name of ["bin", "tmp", "var/lib"]) mkdirSync(join(root, name), { recursive: true });
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const name of applets) symlinkSync("busybox", join(root, "bin", name));
  writeFileSync(join(root, "bin/boot"), boot, { mode: 0o755 });
  const loaded = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
  for (const [path] of loaded.matchAll(/\/\S+\.so\S*/g)) {
    if (path.includes("libatomic")) continue; // it comes with the agent
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
  }
  const made = join(folder, "archive");
  mkdirSync(made);
  execFileSync("tar", ["-C", root, "-cf", join(made, "layer.tar"), "."]);
  const digest = createHash("sha256")
    .update(readFileSync(join(made, "layer.tar")))
    .digest("hex");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/boot"], Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(made, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: ["boot:1"], Layers: ["layer.tar"] }];
  writeFileSync(join(made, "manifest.json"), JSON.stringify(manifest));
  const path = join(folder, "boot.tar");
  execFileSync("tar", ["-C", made, "-cf", path, "."]);
  return path;
}
