import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Process, Processes } from "#/base/processes.ts";
import { randomText, type Random } from "#/base/random.ts";
import { systemPath } from "../command.ts";
import { HostingError } from "../hosting-error.ts";
import { quoted } from "../quoted.ts";

interface Parts {
  clock: Clock;
  random: Pick<Random, "bytes">;
  processes: Pick<Processes, "spawn">;
}

/**
 * Runs scripts of the system's shell in shells that wait for them: a fork of the agent's copies the page tables of all its memory
 * while nothing else is done. Those that wait end with the agent, and when there was nothing to do for long.
 */
export class ScriptShells {
  #parts: Parts;
  #idle: WaitingShell[] = [];
  #ending: Timer | undefined;
  #isClosed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Throws HostingError with what the system says against it; what comes after that is not done. */
  async run(script: string): Promise<void> {
    this.#ending?.cancel();
    const shell = this.#taken() ?? new WaitingShell(this.#parts);
    const { code, said } = await shell.run(script);
    const isKept = !this.#isClosed && this.#idle.length < limits.networkShells;
    if (isKept && !shell.hasEnded) this.#idle.push(shell);
    else shell.end();
    this.#ending = this.#parts.clock.after(limits.networkShellsMs, () => this.#endAll(), true);
    if (code === 0) return;
    throw new HostingError(
      "Server.InternalError",
      `Cannot make the instance's network: ${said.trim().slice(0, 500)}`,
    );
  }

  #taken(): WaitingShell | undefined {
    for (let one; (one = this.#idle.pop());) if (!one.hasEnded) return one;
    return undefined;
  }

  /** None waits from now on; what is run later has a shell of its own. */
  close(): void {
    this.#isClosed = true;
    this.#ending?.cancel();
    this.#endAll();
  }

  #endAll(): void {
    for (const shell of this.#idle.splice(0)) shell.end();
  }
}

/** A shell that runs one script after the other, each in a fork of its own. */
class WaitingShell {
  hasEnded = false;
  #process: Process;
  #output: AsyncIterator<Uint8Array>;
  #mark: string;

  constructor({ processes, random }: Parts) {
    this.#mark = randomText(random, 16);
    this.#process = processes.spawn(["sh", "-c", "exec 2>&1; exec sh"], {
      folder: "/",
      env: { PATH: systemPath, LC_ALL: "C" },
    });
    this.#output = this.#process.stdout[Symbol.asyncIterator]();
    const over = () => void (this.hasEnded = true);
    this.#process.ended.then(over, over);
  }

  async run(script: string): Promise<{ code: number; said: string }> {
    this.#process.stdin.write(`( set -e
eval ${quoted(script)}
) </dev/null
echo "${this.#mark} $?"
`);
    const last = new RegExp(`${this.#mark} (\\d+)\\n$`);
    let said = "";
    for (;;) {
      const { value, done } = await this.#output.next();
      if (done) {
        this.hasEnded = true;
        return { code: 128, said: `${said}the shell has ended` };
      }
      said = (said + Buffer.from(value).toString()).slice(-saidMax);
      const ended = last.exec(said);
      if (ended) return { code: Number(ended[1]), said: said.slice(0, ended.index) };
    }
  }

  end(): void {
    this.#process.stdin.end();
  }
}

const saidMax = 1 << 16;
