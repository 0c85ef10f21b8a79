// Installs what the bench compares Canopy with. Plain JavaScript, so that any Node from 18 on can run it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const peers = fileURLToPath(new URL("./peers/", import.meta.url));
const policyPath = "/usr/sbin/policy-rc.d";
const debianPackages = [
  "redis-server",
  "postgresql",
  "celery",
  "python3-redis",
  "python3-dask",
  "python3-distributed",
  "slurm-wlm",
  "slurmctld",
  "slurmd",
  "slurm-wlm-basic-plugins",
  "nginx-light",
  "radosgw",
  "ceph-mon",
  "ceph-osd",
  "ceph-mgr",
];
const failures = [];

const npm = run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], peers);
if (!npm)
  failures.push(
    "the npm packages of bullmq, pg-boss, graphile-worker and s3rver: run npm ci --ignore-scripts in bench/peers",
  );

const missing = debianPackages.filter((name) => !installed(name));
if (missing.length > 0) await installDebianPackages(missing);
const stillMissing = debianPackages.filter((name) => !installed(name));
if (stillMissing.length > 0)
  failures.push(`Debian's ${stillMissing.join(", ")}: run apt-get install as root`);

for (const failure of failures)
  console.error(`Not installed: ${failure}. The bench goes on without the peers that need it.`);
if (failures.length === 0) console.log("All that the bench compares Canopy with is installed.");

async function installDebianPackages(names) {
  const root = process.getuid?.() === 0;
  if (!root || !run("apt-get", ["--version"], "/", "ignore")) return;
  // Debian starts the services it installs unless this file says no; the bench starts its own.
  const forbidServices = !existsSync(policyPath);
  if (forbidServices) await writeFile(policyPath, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    run("apt-get", ["update", "-q"], "/");
    const install = ["install", "-y", "-q", "--no-install-recommends"];
    // All at once is quick; one by one when one of them cannot be had.
    if (!run("apt-get", [...install, ...names], "/"))
      for (const name of names) run("apt-get", [...install, name], "/");
  } finally {
    if (forbidServices) await rm(policyPath);
  }
}

function installed(name) {
  const { status, stdout } = spawnSync("dpkg-query", ["-W", "-f", "${Status}", name], {
    encoding: "utf8",
  });
  return status === 0 && stdout === "install ok installed";
}

function run(command, args, cwd, stdio = "inherit") {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync(command, args, { cwd, stdio, env }).status === 0;
}
