import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CanopyError } from "#/base/errors.ts";
import { connect, type Client } from "#/sdk/client.ts";

const launcher = join(import.meta.dirname, "../bin/canopy");
const stopMsMax = 20_000;

/** A cloud in processes of its own, as a user starts it. */
export interface Cloud {
  url: string;
  /** Where its AWS services are. */
  awsUrl: string;
  key: string;
  pid: number;
  /** From the start of the process to its line that says it is ready. */
  readyMs: number;
  /** CPU of the control plane's process so far. */
  cpuMs(): number;
  /** Memory in use after a full collection of garbage. */
  memory(): Promise<{ heapBytes: number; residentBytes: number }>;
  client(): Promise<Client>;
  /** SIGKILL: as a crash. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
const folders = new Set<string>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  for (const folder of folders) killAgent(folder);
});

/** This computer's agent outlives a cloud that was killed. */
function killAgent(folder: string): void {
  try {
    const [pid] = readFileSync(join(folder, "agent/pid"), "utf8").split(" ");
    if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder))
      process.kill(Number(pid), "SIGKILL");
  } catch {
    // it has ended
  }
}

/** `canopy up`, on a free port where none is given; resolves when it is ready. */
export async function startCloud(
  folder: string,
  args: string[] = [],
  port = 0,
  moreEnv: Record<string, string> = {},
): Promise<Cloud> {
  const startMs = performance.now();
  // Nothing of the caller's own clouds, and an inspector that opens on a free port when it is asked for.
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    NODE_OPTIONS: "--inspect-port=127.0.0.1:0",
    ...moreEnv,
  };
  const child = spawn(
    launcher,
    ["up", "--data", folder, "--port", String(port), "--aws-port", "0", "--json", ...args],
    {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  running.add(child);
  folders.add(folder);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve())).then(
    () => void running.delete(child),
  );
  let errors = "";
  child.stderr
    .setEncoding("utf8")
    .on("data", (text: string) => (errors = (errors + text).slice(-10_000)));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface(child.stdout).once("line", resolve)),
    ended.then(() => {
      throw new Error(`Cannot start a cloud: canopy up ended, saying: ${errors}`);
    }),
  ]);
  const readyMs = performance.now() - startMs;
  child.stdout.resume();
  const { url, awsUrl, key } = JSON.parse(line) as { url: string; awsUrl: string; key: string };
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMsMax);
    await ended;
    clearTimeout(timer);
  };
  return {
    url,
    awsUrl,
    key,
    pid: child.pid!,
    readyMs,
    cpuMs: () => cpuMsOf(child.pid!),
    memory: () => memoryOf(child, () => errors),
    client: () => connect({ url, key }),
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
  };
}

/** The kernel counts in ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Asks the process itself, by its inspector: its own figures hold garbage that nobody has collected. */
async function memoryOf(child: ChildProcess, said: () => string) {
  child.kill("SIGUSR1");
  const listening = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/;
  for (let turn = 0; !listening.test(said()); turn++) {
    if (turn > 400) throw new Error("Cannot measure memory as the inspector does not open");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const socket = new WebSocket(listening.exec(said())![0]);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener("error", () => reject(new Error("Cannot reach the inspector")), {
      once: true,
    });
  });
  const ask = (id: number, method: string, params: object = {}) =>
    new Promise<{ result: { result?: { value: string } } }>((resolve) => {
      socket.addEventListener("message", function answer({ data }) {
        const message = JSON.parse(String(data)) as {
          id?: number;
          result: { result?: { value: string } };
        };
        if (message.id !== id) return;
        socket.removeEventListener("message", answer);
        resolve(message);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  await ask(1, "HeapProfiler.collectGarbage");
  const { result } = await ask(2, "Runtime.evaluate", {
    expression: "JSON.stringify(process.memoryUsage())",
  });
  socket.close();
  const { heapUsed, external, rss } = JSON.parse(result.result!.value) as NodeJS.MemoryUsage;
  return { heapBytes: heapUsed + external, residentBytes: rss };
}

/** Waits until the answer is true. */
export async function until(
  what: string,
  isTrue: () => Promise<boolean>,
  waitMsMax = 60_000,
): Promise<void> {
  for (const endMs = performance.now() + waitMsMax; performance.now() < endMs;) {
    if (await isTrue().catch(isCanopyError)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Cannot go on as ${what} did not come true within ${waitMsMax} ms`);
}

function isCanopyError(thrown: unknown): false {
  if (thrown instanceof CanopyError) return false;
  throw thrown;
}
