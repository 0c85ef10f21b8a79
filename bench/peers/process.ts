import { type ChildProcess, execFile, fork, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const run = promisify(execFile);
export const stopMsMax = 10_000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface Started {
  child: ChildProcess;
  /** Asks it to end with the signal, then kills it when it has not ended after `stopMsMax`. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server whose output goes to a file. */
export function startServer(
  command: string,
  args: string[],
  logPath: string,
  env = process.env,
): Started {
  const log = openSync(logPath, "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log], env });
  closeSync(log);
  return watched(child);
}

/** Starts a Node worker that sits beside the peer, and resolves with it once it sends its first message. */
export async function startWorker(file: string, args: string[]): Promise<Started> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    execArgv: ["--no-warnings"],
  });
  const started = watched(child);
  await new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`Cannot start ${file}: it ended with ${code}`)));
  });
  return started;
}

function watched(child: ChildProcess): Started {
  running.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => void running.delete(child));
  return {
    child,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
      await ended;
      clearTimeout(timer);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once something listens on the port; fails with the end of the log when that does not happen. */
export async function portOpen(port: number, logPath: string, waitMsMax = 20_000): Promise<void> {
  for (const until = performance.now() + waitMsMax; performance.now() < until; await sleep(20)) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (open) return;
  }
  throw new Error(
    `Cannot reach port ${port} after ${waitMsMax} ms: ${readFileSync(logPath, "utf8").slice(-500)}`,
  );
}

/** The first of the folders in PATH, and of those given, that has the program. */
export async function findProgram(
  name: string,
  folders: string[] = [],
): Promise<string | undefined> {
  for (const folder of [...folders, ...(process.env.PATH ?? "").split(":"), "/usr/sbin"]) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** A Python that has all the modules: Debian's before any other, as its packages serve only that one. */
export async function findPython(modules: string[]): Promise<string | undefined> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    const found = await run(python, ["-c", `import ${modules.join(", ")}`]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return undefined;
}
