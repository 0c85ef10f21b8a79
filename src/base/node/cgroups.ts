import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Cage, CageLimits, Cages, CageUsage } from "../processes.ts";

/**
 * Cages made of Linux control groups, version 1 (one tree per controller) or 2 (one tree for all).
 * Whether we may is found out by doing it once: containers, delegation and hybrids differ too much
 * to be reasoned about. A machine with version 1 trees uses those, as a version 2 tree beside them
 * has no controllers left.
 */
const root = "/sys/fs/cgroup";
const controllers = ["memory", "cpu", "cpuacct", "pids"] as const;
type Controller = (typeof controllers)[number];

/** Folder per controller; in version 2 all are the same. */
interface Trees {
  version: 1 | 2;
  folders: Record<Controller, string>;
  /** Of version 1's freezer, where that is: nothing is in there but what is frozen. */
  freezer?: string;
}

export function openCages(owner: string, options?: { lasting: true }): Cages | undefined {
  const own = ownPaths();
  const trees = treesOf1(owner, own) ?? treesOf2(owner, own);
  if (!trees) return undefined;
  const clear = () => {
    for (const left of childrenOf(trees.folders.memory)) new Cgroup(trees, left, undefined).clear();
  };
  if (!options?.lasting) clear();
  return {
    make: (name, limits) => new Cgroup(trees, name, limits),
    close() {
      clear();
      new Cgroup(trees, "", undefined).remove();
    },
  };
}

class Cgroup implements Cage {
  readonly entrances: string[];
  #trees: Trees;
  #name: string;

  constructor(trees: Trees, name: string, limits: CageLimits | undefined) {
    this.#trees = trees;
    this.#name = name;
    const folders = [...new Set(controllers.map((controller) => this.#folder(controller)))];
    // One thread that moves itself waits for no other in the kernel: the shell that goes in has but one.
    const file = trees.version === 1 ? "tasks" : "cgroup.procs";
    this.entrances = folders.map((folder) => join(folder, file));
    if (!limits) return;
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    this.#limit(limits);
  }

  kill(): void {
    if (this.#trees.version === 2 && put(this.#path("memory", "cgroup.kill"), "1")) return;
    // Nothing new can start while we go through them.
    put(this.#path("pids", "pids.max"), "0");
    for (let round = 0; round < 8; round++) {
      const pids = this.#pids();
      if (pids.length === 0) return;
      for (const pid of pids) killProcess(pid);
      this.thaw(); // what is frozen does not end
    }
  }

  isEmpty(): boolean {
    return this.#pids().length === 0;
  }

  freeze(): boolean {
    if (this.#trees.version === 2) {
      put(this.#path("memory", "cgroup.freeze"), "1");
      return field(get(this.#path("memory", "cgroup.events")), "frozen") === 1;
    }
    const folder = this.#freezer();
    if (folder === undefined) return false;
    mkdirSync(folder, { recursive: true });
    put(join(folder, "freezer.state"), "FROZEN");
    const inside = new Set(pidsIn(folder));
    const outside = this.#pids().filter((pid) => !inside.has(pid));
    for (const pid of outside) put(join(folder, "cgroup.procs"), pid);
    return outside.length === 0 && get(join(folder, "freezer.state")) === "FROZEN";
  }

  thaw(): void {
    if (this.#trees.version === 2) return void put(this.#path("memory", "cgroup.freeze"), "0");
    const folder = this.#freezer();
    if (folder === undefined || !existsSync(folder)) return;
    put(join(folder, "freezer.state"), "THAWED");
    for (let pids = pidsIn(folder); pids.length > 0; pids = pidsIn(folder)) {
      const moved = pids.map((pid) => put(join(folder, "../../cgroup.procs"), pid));
      if (!moved.includes(true)) break; // they end at this moment
    }
    removeFolder(folder);
    removeFolder(join(folder, ".."));
  }

  #freezer(): string | undefined {
    const { freezer } = this.#trees;
    return freezer && join(freezer, this.#name);
  }

  usage(): CageUsage {
    return this.#trees.version === 1 ? this.#usage1() : this.#usage2();
  }

  remove(): boolean {
    try {
      for (const controller of controllers) {
        const folder = this.#folder(controller);
        if (existsSync(folder)) rmdirSync(folder);
      }
      return true;
    } catch {
      return false;
    }
  }

  /** Ends what an earlier life left. What does not go at once is gone at the next start. */
  clear(): void {
    this.kill();
    for (let tries = 0; tries < 100 && !this.remove(); tries++) Atomics.wait(pause, 0, 0, 5);
  }

  #limit({ memoryBytes, milliCpus, milliCpusShare, processes }: CageLimits): void {
    if (this.#trees.version === 1) {
      if (memoryBytes !== undefined) {
        put(this.#path("memory", "memory.limit_in_bytes"), memoryBytes);
        put(this.#path("memory", "memory.swappiness"), 0);
      }
      if (milliCpus !== undefined) {
        put(this.#path("cpu", "cpu.cfs_period_us"), periodUs);
        put(this.#path("cpu", "cpu.cfs_quota_us"), quotaUs(milliCpus));
      }
      if (milliCpusShare !== undefined) {
        put(this.#path("cpu", "cpu.shares"), Math.max(2, Math.round(milliCpusShare * 1.024)));
      }
    } else {
      if (memoryBytes !== undefined) {
        put(this.#path("memory", "memory.max"), memoryBytes);
        put(this.#path("memory", "memory.swap.max"), 0);
        put(this.#path("memory", "memory.oom.group"), 1);
      }
      if (milliCpus !== undefined)
        put(this.#path("cpu", "cpu.max"), `${quotaUs(milliCpus)} ${periodUs}`);
      if (milliCpusShare !== undefined) {
        put(
          this.#path("cpu", "cpu.weight"),
          Math.min(10_000, Math.max(1, Math.round(milliCpusShare / 10))),
        );
      }
    }
    if (processes !== undefined) put(this.#path("pids", "pids.max"), processes);
  }

  #usage1(): CageUsage {
    return {
      cpuMs: number(get(this.#path("cpuacct", "cpuacct.usage"))) / 1e6,
      memoryBytes: number(get(this.#path("memory", "memory.usage_in_bytes"))),
      memoryPeakBytes: number(get(this.#path("memory", "memory.max_usage_in_bytes"))),
      memoryKills: field(get(this.#path("memory", "memory.oom_control")), "oom_kill"),
    };
  }

  #usage2(): CageUsage {
    const memoryBytes = number(get(this.#path("memory", "memory.current")));
    return {
      cpuMs: field(get(this.#path("cpu", "cpu.stat")), "usage_usec") / 1e3,
      memoryBytes,
      memoryPeakBytes: number(get(this.#path("memory", "memory.peak"))) || memoryBytes,
      memoryKills: field(get(this.#path("memory", "memory.events")), "oom_kill"),
    };
  }

  #pids(): number[] {
    return pidsIn(this.#folder("memory"));
  }

  #folder(controller: Controller): string {
    return join(this.#trees.folders[controller], this.#name);
  }

  #path(controller: Controller, file: string): string {
    return join(this.#folder(controller), file);
  }
}

const periodUs = 100_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** The kernel refuses less than a millisecond. */
const quotaUs = (milliCpus: number) => Math.max(1000, (milliCpus * periodUs) / 1000);

type Paths = ReadonlyMap<string, string>;

/** Folders for this owner, below this process's own groups; undefined when there are none that can be used. */
function treesOf1(owner: string, own: Paths): Trees | undefined {
  return usable(() => {
    const folders = {} as Record<Controller, string>;
    for (const controller of controllers) {
      const mount = join(root, controller);
      if (!existsSync(join(mount, "cgroup.procs"))) return undefined;
      const path = join(mount, own.get(controller) ?? "/");
      folders[controller] = join(existsSync(path) ? path : mount, owner);
      mkdirSync(folders[controller], { recursive: true });
    }
    const freezer = freezerOf(own, owner);
    return { version: 1, folders, ...(freezer !== undefined && { freezer }) };
  });
}

/**
 * The same in version 2, or else below the root: a service or a session that was delegated nothing has not all of the controllers, or
 * other processes beside this one, and then gives those below it none.
 */
function treesOf2(owner: string, own: Paths): Trees | undefined {
  if (!existsSync(join(root, "cgroup.procs"))) return undefined;
  const path = join(root, own.get("") ?? "/");
  const ownGroup = basename(path) === aside ? dirname(path) : path;
  for (const above of new Set([existsSync(ownGroup) ? ownGroup : root, root])) {
    const trees = usable(() => {
      delegate(above);
      const folder = join(above, owner);
      mkdirSync(folder, { recursive: true });
      delegate(folder);
      return {
        version: 2,
        folders: { memory: folder, cpu: folder, cpuacct: folder, pids: folder },
      };
    });
    if (trees) return trees;
  }
  return undefined;
}

/** What is made so, where it keeps a limit. */
function usable(make: () => Trees | undefined): Trees | undefined {
  try {
    const trees = make();
    if (!trees) return undefined;
    const trial = new Cgroup(trees, "trial", { memoryBytes: 1 << 26, processes: 16 });
    const isKept = readLimit(trees) === 1 << 26;
    return trial.remove() && isKept ? trees : undefined;
  } catch {
    return undefined;
  }
}

/** The place for an owner's frozen ones, below this process's own. */
function freezerOf(own: Paths, owner: string): string | undefined {
  const mount = join(root, "freezer");
  if (!existsSync(join(mount, "cgroup.procs"))) return undefined;
  const path = join(mount, own.get("freezer") ?? "/");
  return join(existsSync(path) ? path : mount, owner);
}

function readLimit({ version, folders }: Trees): number {
  return number(
    get(join(folders.memory, "trial", version === 1 ? "memory.limit_in_bytes" : "memory.max")),
  );
}

/**
 * Lets the folders below use the controllers. A version 2 group that gives controllers to those below
 * may hold no process itself, so when that is all that stands in the way this process steps aside
 * into one of them.
 */
function delegate(folder: string): void {
  const wanted = "+memory +cpu +pids";
  const control = join(folder, "cgroup.subtree_control");
  if (put(control, wanted)) return;
  if (pidsIn(folder).includes(process.pid)) {
    const beside = join(folder, aside);
    mkdirSync(beside, { recursive: true });
    writeFileSync(join(beside, "cgroup.procs"), "0");
    if (put(control, wanted)) return;
    writeFileSync(join(folder, "cgroup.procs"), "0");
    rmdirSync(beside);
  }
  throw new Error("not delegated");
}

const aside = "canopy-itself";

/** This process's group per controller of version 1, and under "" that of version 2. */
function ownPaths(): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of get("/proc/self/cgroup").split("\n")) {
    const [, names = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names.split(",")) if (line) paths.set(name, path);
  }
  return paths;
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

const pidsIn = (folder: string) =>
  get(join(folder, "cgroup.procs")).split("\n").filter(Boolean).map(Number);

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // something of it is in there still
  }
}

function get(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}

function put(path: string, value: string | number): boolean {
  try {
    writeFileSync(path, String(value));
    return true;
  } catch {
    return false;
  }
}

const number = (text: string) => (Number.isFinite(Number(text)) ? Number(text) : 0);

/** The number after a name in lines of "name number". */
function field(text: string, name: string): number {
  for (const line of text.split("\n"))
    if (line.startsWith(`${name} `)) return number(line.slice(name.length + 1));
  return 0;
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended already
  }
}
