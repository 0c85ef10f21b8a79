import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";

const run = promisify(execFile);
const readyMsMax = 90_000;
const programs = ["ceph-mon", "ceph-osd", "ceph-authtool", "ceph", "radosgw", "radosgw-admin"];

/** Why there can be no Ceph here; undefined when there can. */
export const radosgwMissing = programs.some((name) => !existsSync(`/usr/bin/${name}`))
  ? "Ceph's gateway is not installed: apt-get install radosgw ceph-mon ceph-osd"
  : undefined;

const running = new Set<Radosgw>();
process.once("exit", () => {
  for (const one of running) one.destroy();
});

/**
 * A real Ceph cluster of one monitor and one storage daemon, with its S3 gateway before it, in a folder of its own under the
 * system's temporary one and on free ports of 127.0.0.1. It is up after some twenty seconds. What is left when the process ends
 * is killed and removed.
 */
export class Radosgw {
  readonly port: number;
  readonly credentials = { accessKeyId: "CANOPYRADOSGW", secretAccessKey: "canopy-radosgw-secret" };
  #folder: string;
  #daemons: ChildProcess[] = [];
  #gateway: ChildProcess | undefined;

  static async start(): Promise<Radosgw> {
    if (radosgwMissing !== undefined) throw new Error(radosgwMissing);
    const folder = await mkdtemp(join(tmpdir(), "canopy-ceph-"));
    const made = new Radosgw(folder, await freePort());
    await made.#makeCluster(await freePort());
    await made.resume();
    await made.#makeUser();
    return made;
  }

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
    running.add(this);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Monitor, storage daemon and gateway. */
  get pids(): number[] {
    return [...this.#daemons, ...(this.#gateway ? [this.#gateway] : [])].map(({ pid }) => pid!);
  }

  /** Ends the gateway alone: nobody answers on its port until `resume()`. */
  async pause(): Promise<void> {
    await ended(this.#gateway);
    this.#gateway = undefined;
  }

  async resume(): Promise<void> {
    this.#gateway = this.#start("radosgw", ["-n", "client.admin", "-f"]);
    for (const untilMs = performance.now() + readyMsMax; performance.now() < untilMs;) {
      const isUp = await fetch(this.url).then(
        () => true,
        () => false,
      );
      if (isUp) return;
      await sleep(100);
    }
    throw new Error(`The gateway did not answer: ${this.#said("radosgw")}`);
  }

  async stop(): Promise<void> {
    await ended(this.#gateway);
    await Promise.all(this.#daemons.map(ended));
    this.destroy();
  }

  destroy(): void {
    for (const daemon of [...this.#daemons, this.#gateway]) daemon?.kill("SIGKILL");
    running.delete(this);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #makeCluster(monitorPort: number): Promise<void> {
    const folder = this.#folder;
    const [cluster, storage] = [crypto.randomUUID(), crypto.randomUUID()];
    for (const name of ["mon", "osd", "run"]) await mkdir(join(folder, name));
    await writeFile(join(folder, "ceph.conf"), configOf(folder, cluster, monitorPort, this.port));
    const keyring = join(folder, "keyring");
    const all = ["mon", "osd", "mgr"].flatMap((name) => ["--cap", name, "allow *"]);
    const monitor = ["--create-keyring", keyring, "--gen-key", "-n", "mon."];
    await this.#run("ceph-authtool", [...monitor, "--cap", "mon", "allow *"]);
    await this.#run("ceph-authtool", [keyring, "--gen-key", "-n", "client.admin", ...all]);
    const own = join(folder, "osd", "keyring");
    const caps = ["--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"];
    const storageKey = ["--create-keyring", own, "--gen-key", "-n", "osd.0"];
    await this.#run("ceph-authtool", [...storageKey, ...caps]);
    const map = join(folder, "monmap");
    const at = `[v2:127.0.0.1:${monitorPort}]`;
    await this.#run("monmaptool", ["--create", "--fsid", cluster, "--addv", "a", at, map]);
    await this.#run("ceph-mon", ["--mkfs", "-i", "a", "--monmap", map, "--keyring", keyring]);
    this.#daemons.push(this.#start("ceph-mon", ["-i", "a", "-f"]));
    await this.#run("ceph", ["osd", "new", storage, "0"]);
    await this.#run("ceph", ["auth", "add", "osd.0", "-i", own]);
    await this.#run("ceph-osd", ["-i", "0", "--mkfs", "--osd-uuid", storage]);
    this.#daemons.push(this.#start("ceph-osd", ["-i", "0", "-f"]));
  }

  async #makeUser(): Promise<void> {
    const { accessKeyId, secretAccessKey } = this.credentials;
    const keys = ["--access-key", accessKeyId, "--secret-key", secretAccessKey];
    const who = ["--uid", "canopy", "--display-name", "canopy", "--max-buckets", "0"];
    await this.#run("radosgw-admin", ["user", "create", ...who, ...keys]);
  }

  #run(program: string, args: string[]): Promise<unknown> {
    return run(program, ["-c", join(this.#folder, "ceph.conf"), ...args], { timeout: readyMsMax });
  }

  #start(program: string, args: string[]): ChildProcess {
    const output = openSync(join(this.#folder, `${program}.out`), "a");
    return spawn(program, ["-c", join(this.#folder, "ceph.conf"), ...args], {
      stdio: ["ignore", output, output],
    });
  }

  #said(program: string): string {
    return readFileSync(join(this.#folder, `${program}.out`), "utf8").slice(-2_000);
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(timer);
}

const configOf = (folder: string, cluster: string, monitorPort: number, port: number) => `
[global]
fsid = ${cluster}
mon host = v2:127.0.0.1:${monitorPort}
mon initial members = a
public addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
ms bind msgr1 = false
run dir = ${folder}/run
admin socket = ${folder}/run/$name.$pid.asok
log to file = false
log to stderr = true
debug rgw = 0
err to stderr = true
keyring = ${folder}/keyring
mon data = ${folder}/mon
osd data = ${folder}/osd
mon data avail crit = 1
mon data avail warn = 1
mon allow pool size one = true
mon max pg per osd = 10000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = 939524096
bluestore block size = 17179869184
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw data = ${folder}/rgw
rgw run sync thread = false
rgw log http headers = none
[osd]
keyring = ${folder}/osd/keyring
`;
