import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compiledEnv } from "#/base/testing/compiled.ts";
import { guarded } from "./guard.ts";
import { childrenOf } from "./processes.ts";

/** The launcher, as a user starts it. */
export const canopyFile = fileURLToPath(new URL("../bin/canopy", import.meta.url));

/** A cloud as its user has it: the real program, in processes of its own, in a temporary folder. */
export class TestCloud {
  readonly dataFolder: string;
  /** What `canopy up` is started by, as a tracer; what more its commands have in their environment. */
  startedBy: string[] = [];
  moreEnv: Record<string, string> = {};
  url = "";
  /** Where the AWS services are. */
  awsUrl = "";
  key = "";
  joinLine = "";
  port = 0;
  #process: ChildProcess | undefined;

  constructor(folder = tmpdir()) {
    this.dataFolder = mkdtempSync(join(folder, "canopy-e2e-"));
    guarded(this.dataFolder);
  }

  /** Environment with which `canopy` commands speak to this cloud. */
  get env(): Record<string, string> {
    return {
      ...compiledEnv,
      PATH: process.env["PATH"]!,
      HOME: this.dataFolder,
      CANOPY_URL: this.url,
      CANOPY_KEY: this.key,
      XDG_CONFIG_HOME: join(this.dataFolder, "config"),
    };
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Starts `canopy up`, or starts it again on the same port, and waits until it is ready. */
  async up(...flags: string[]): Promise<void> {
    const own = [
      "up",
      "--data",
      this.dataFolder,
      "--port",
      String(this.port),
      "--aws-port",
      this.awsUrl === "" ? "0" : new URL(this.awsUrl).port,
      "--json",
    ];
    const [program, ...args] = [...this.startedBy, canopyFile, ...own, ...flags];
    const child = spawn(program!, args, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...this.env, CANOPY_URL: "", CANOPY_KEY: "", ...this.moreEnv },
    });
    this.#process = child;
    let text = "";
    for await (const piece of child.stdout) {
      text += piece;
      if (text.includes("\n")) break;
    }
    if (!text.includes("\n")) throw new Error(`canopy up ended before it was ready: ${text}`);
    const ready = JSON.parse(text) as Record<"url" | "awsUrl" | "key" | "joinLine", string>;
    this.url = ready.url;
    this.awsUrl = ready.awsUrl;
    this.key = ready.key;
    this.joinLine = ready.joinLine;
    this.port = Number(new URL(ready.url).port);
  }

  get #hasEnded(): boolean {
    const { exitCode = null, signalCode = null } = this.#process ?? {};
    return exitCode !== null || signalCode !== null;
  }

  /** Resolves when the control plane has ended by itself: with its exit code, or the signal that ended it. */
  async ended(): Promise<number | string> {
    const { exitCode, signalCode } = this.#process!;
    if (this.#hasEnded) return exitCode ?? signalCode!;
    const [code, signal] = (await once(this.#process!, "exit")) as [number | null, string | null];
    return code ?? signal!;
  }

  /** Ends the control plane as a power cut of its process would. */
  async kill(): Promise<void> {
    if (this.#hasEnded) return;
    const ended = once(this.#process!, "exit");
    const { pid } = this;
    // A tracer would leave what it traces behind; without that it ends by itself.
    const [traced] = this.startedBy.length > 0 ? childrenOf(pid) : [];
    if (traced === undefined) this.#process!.kill("SIGKILL");
    else process.kill(traced, "SIGKILL");
    await ended;
  }

  /** The process id of this computer's agent. */
  get agentPid(): number {
    return Number(readFileSync(join(this.dataFolder, "agent", "pid"), "utf8").split(" ")[0]);
  }

  /** Ends it as a service manager does, and keeps its data. */
  async end(): Promise<void> {
    if (!this.#process || this.#hasEnded) return;
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }

  async stop(): Promise<void> {
    if (this.startedBy.length > 0) await this.kill();
    else await this.end();
    if (this.#process?.signalCode === "SIGKILL") this.#endAgent();
    rmSync(this.dataFolder, { recursive: true, force: true });
  }

  /** Left behind by a control plane that was killed, it would wait an hour for it. */
  #endAgent(): void {
    try {
      process.kill(this.agentPid, "SIGKILL");
    } catch {
      // There is none.
    }
  }

  /** Runs `canopy` with these arguments to its end. */
  async canopy(
    ...args: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn(canopyFile, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...this.env, ...this.moreEnv },
    });
    const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) =>
      Buffer.concat(await Array.fromAsync(stream)).toString(),
    );
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout: await stdout!, stderr: await stderr! };
  }

  /** One call of the API; gives the parsed body. Throws when it was refused or not answered. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
