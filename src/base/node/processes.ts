import { spawn } from "node:child_process";
import { accessSync, closeSync, constants, openSync, statSync } from "node:fs";
import {
  arch,
  availableParallelism,
  cpus,
  freemem,
  hostname,
  networkInterfaces,
  platform,
  totalmem,
} from "node:os";
import { join, resolve } from "node:path";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CanopyError } from "../errors.ts";
import type { HostFacts, Process, Processes, ProcessUsage, SpawnOptions } from "../processes.ts";
import { openCages } from "./cgroups.ts";
import { channelOf, drainedOf, openBoard } from "./channel.ts";
import { groupUsage, marked, statFields, usageOf } from "./proc.ts";

/** The machine's processes. */
export const nodeProcesses: Processes = {
  nodePath: process.execPath,
  spawn: start,
  cages: openCages,
  marked,
  kill: (pid, signal = "SIGKILL") => void killQuietly(pid, signal),
  usage,
  groupUsage,
  isAlive,
  startedTicks,
  facts,
  load,
};

function start(command: string[], options: SpawnOptions): Process {
  const fault = options.cage && faultOf(command[0] ?? "", options);
  if (fault) return neverStarted(fault);
  const [program = "", ...args] = options.cage ? enter(options.cage, command) : command;
  const detached = options.detachedLog !== undefined;
  const logFile = detached ? openSync(options.detachedLog!, "a", 0o600) : undefined;
  const shared = options.board ? openBoard() : undefined;
  const child = spawn(program, args, {
    cwd: options.folder,
    env: options.env,
    detached: options.group === true || detached,
    stdio: detached
      ? [options.hears ? "pipe" : "ignore", logFile!, logFile!]
      : [
          "pipe",
          "pipe",
          "pipe",
          options.channel ? "pipe" : "ignore",
          shared?.descriptor ?? "ignore",
        ],
  });
  if (logFile !== undefined) closeSync(logFile);
  if (detached) child.unref();
  if (detached) (child.stdin as Socket | null)?.unref();
  child.stdin?.on("error", () => {}); // it may end before it has read everything
  const ended = new Promise<{ code: number | undefined; signal: string | undefined }>(
    (resolve, reject) => {
      child.once("error", (error) => reject(cannotStart(program, error)));
      child.once("exit", (code, signal) =>
        resolve({ code: code ?? undefined, signal: signal ?? undefined }),
      );
    },
  );
  ended.catch(() => {});
  return {
    pid: child.pid ?? 0,
    stdout: child.stdout ?? nothing(),
    stderr: child.stderr ?? nothing(),
    stdin: {
      write: (content) => void child.stdin?.write(content),
      end: () => void child.stdin?.end(),
      drained: () => (child.stdin ? drainedOf(child.stdin) : Promise.resolve()),
    },
    channel: options.channel && child.stdio[3] ? channelOf(child.stdio[3] as Duplex) : undefined,
    board: shared?.board,
    ended,
    signal(name) {
      if (child.pid === undefined) return;
      killQuietly(options.group ? -child.pid : child.pid, name);
    },
  };
}

function killQuietly(pid: number, name: NodeJS.Signals | number): void {
  try {
    process.kill(pid, name);
  } catch {
    // it has ended already
  }
}

/** A shell that goes into the cage and then becomes the program: what the program starts is inside from its birth. */
function enter(cage: NonNullable<SpawnOptions["cage"]>, command: string[]): string[] {
  const script =
    'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';
  return ["/bin/sh", "-c", script, "sh", ...cage.entrances, "--", ...command];
}

/** Why a program could not start; asked first where a shell would hide it in an exit code. */
function faultOf(program: string, { env, folder }: SpawnOptions): CanopyError | undefined {
  const places = program.includes("/")
    ? [resolve(folder, program)]
    : (env["PATH"] ?? "/usr/bin:/bin").split(":").map((place) => join(place || folder, program));
  let code = "ENOENT";
  for (const place of places) {
    try {
      if (!statSync(place).isFile()) continue;
      accessSync(place, constants.X_OK);
      return undefined;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "EACCES") code = "EACCES";
    }
  }
  return cannotStart(program, Object.assign(new Error(code), { code }));
}

function neverStarted(error: CanopyError): Process {
  const ended = Promise.reject(error);
  ended.catch(() => {});
  return {
    pid: 0,
    stdout: nothing(),
    stderr: nothing(),
    stdin: { write: () => {}, end: () => {}, drained: () => Promise.resolve() },
    channel: undefined,
    board: undefined,
    ended,
    signal: () => {},
  };
}

function cannotStart(program: string, error: NodeJS.ErrnoException): CanopyError {
  if (error.code === "ENOENT")
    return new CanopyError("not-found", `Cannot start '${program}' as there is no such program`);
  if (error.code === "EACCES")
    return new CanopyError("forbidden", `Cannot start '${program}' as it may not be executed`);
  return new CanopyError("unavailable", `Cannot start '${program}': ${error.message}`, {
    cause: error,
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

function usage(pid: number): ProcessUsage | undefined {
  const fields = statFields(pid);
  return fields && usageOf(fields);
}

function startedTicks(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields && fields[0] !== "Z" ? Number(fields[19]) : undefined;
}

function isAlive(pid: number, started?: number): boolean {
  const ticks = startedTicks(pid);
  return ticks !== undefined && (started === undefined || ticks === started);
}

function facts(): HostFacts {
  const all = Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.filter(({ family }) => family === "IPv4").map((entry) => ({ name, ...entry })),
  );
  return {
    hostname: hostname(),
    addresses: all.filter(({ internal }) => !internal).map(({ address }) => address),
    interfaces: all.flatMap(({ name, cidr }) => (cidr === null ? [] : [{ name, cidr }])),
    os: platform(),
    arch: arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

let lastTimes = { busy: 0, all: 0 };

function load() {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  const since = { busy: busy - lastTimes.busy, all: all - lastTimes.all };
  lastTimes = { busy, all };
  return { cpuShare: since.all > 0 ? since.busy / since.all : 0, memoryFreeBytes: freemem() };
}
