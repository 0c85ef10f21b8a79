import { spawn } from "node:child_process";
import { openSync, closeSync, readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, freemem, hostname, platform, totalmem } from "node:os";
import type { Duplex } from "node:stream";
import { CanopyError } from "../errors.ts";
import type { Channel, Process, Processes, SpawnOptions } from "../processes.ts";

/** The kernel counts CPU time in ticks of 10 ms on every Linux that Node supports. */
const tickMs = 10;
const pageBytes = 4096;

/** The machine's processes. */
export const nodeProcesses: Processes = { spawn: start, usage, isAlive, startedTicks, facts, load };

function start(command: string[], options: SpawnOptions): Process {
  const [program = "", ...args] = command;
  const detached = options.detachedLog !== undefined;
  const logFile = detached ? openSync(options.detachedLog!, "a", 0o600) : undefined;
  const child = spawn(program, args, {
    cwd: options.folder,
    env: options.env,
    detached: options.group === true || detached,
    stdio: detached
      ? ["ignore", logFile!, logFile!]
      : ["pipe", "pipe", "pipe", options.channel ? "pipe" : "ignore"],
  });
  if (logFile !== undefined) closeSync(logFile);
  if (detached) child.unref();
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
    },
    channel: options.channel && child.stdio[3] ? channelOf(child.stdio[3] as Duplex) : undefined,
    ended,
    signal(name) {
      if (child.pid === undefined) return;
      try {
        if (options.group) process.kill(-child.pid, name);
        else child.kill(name);
      } catch {
        // it has ended already
      }
    },
  };
}

function channelOf(stream: Duplex): Channel {
  let rest = "";
  const channel: Channel = { write: (text) => void stream.write(text), onLines: () => {} };
  stream.setEncoding("utf8");
  stream.on("error", () => {});
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (lines.length > 0) channel.onLines(lines);
  });
  return channel;
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

/** Fields of /proc/PID/stat after the name (which may hold spaces and brackets). */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function usage(pid: number): { cpuMs: number; memoryBytes: number } | undefined {
  const fields = statFields(pid);
  if (!fields) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { cpuMs: ticks * tickMs, memoryBytes: Number(fields[21]) * pageBytes };
}

function startedTicks(pid: number): number | undefined {
  const fields = statFields(pid);
  return fields && fields[0] !== "Z" ? Number(fields[19]) : undefined;
}

function isAlive(pid: number, started?: number): boolean {
  const ticks = startedTicks(pid);
  return ticks !== undefined && (started === undefined || ticks === started);
}

function facts() {
  return {
    hostname: hostname(),
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
