import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compiledEnv } from "#/base/testing/compiled.ts";
import { canopyFile, type TestCloud } from "./cloud.ts";
import { killTree } from "./processes.ts";

interface AgentOptions {
  urls: string;
  folder: string;
  flags?: string[];
  /** What starts it, as in another network namespace. */
  startedBy?: string[];
}

/** A machine of its own: the program that a person starts with the line of `canopy join`. */
export class JoinedAgent {
  readonly folder: string;
  readonly #process: ChildProcess;

  /** Joins the cloud of `plane` by the control planes of `urls`, with commas between. */
  static async start(
    plane: TestCloud,
    options: Partial<AgentOptions> & { folder: string },
  ): Promise<JoinedAgent> {
    const { token } = await plane.call<{ token: string }>("POST", "/v1/join-tokens", {});
    return new JoinedAgent(token, { urls: plane.url, ...options });
  }

  private constructor(token: string, { urls, folder, flags = [], startedBy = [] }: AgentOptions) {
    this.folder = folder;
    const args = ["join", urls, "--token", token, "--folder", folder, ...flags];
    const env = { ...compiledEnv, PATH: process.env["PATH"]!, HOME: folder };
    const [program, ...words] = [...startedBy, canopyFile, ...args];
    this.#process = spawn(program!, words, { stdio: "ignore", env });
  }

  /** The name that it was given; undefined until it has joined. */
  get machine(): string | undefined {
    const file = join(this.folder, "identity.json");
    if (!existsSync(file)) return undefined;
    return (JSON.parse(readFileSync(file, "utf8")) as { machine: string }).machine;
  }

  /** As if its machine lost its power: its tasks end with it. */
  async kill(): Promise<void> {
    const ended = once(this.#process, "exit");
    killTree(this.#process.pid!);
    await ended;
  }

  /** SIGSTOP: it says nothing, its connections stay open, and what it runs goes on. Until SIGCONT. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    const ended = once(this.#process, "exit");
    if (exitCode === null && signalCode === null && this.#process.kill("SIGTERM")) await ended;
  }
}
