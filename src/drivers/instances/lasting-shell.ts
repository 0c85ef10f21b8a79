import { join } from "node:path";
import type { Processes } from "#/base/processes.ts";
import { systemPath } from "./command.ts";

/** A shell beside the agent that goes on when the agent ends, and ends by itself when there is nothing to do for it. */
export interface LastingShell {
  /** Told from others by this variable in its environment, which what it starts has only until it is another program. */
  name: string;
  mark: string;
  folder: string;
  script: string;
}

/** Sees that one runs, also of an earlier life of the agent. */
export class ShellWatch {
  #processes: Processes;
  #shell: LastingShell;
  #known: { pid: number; ticks: number } | undefined;

  constructor(processes: Processes, shell: LastingShell) {
    this.#processes = processes;
    this.#shell = shell;
  }

  see(): void {
    const processes = this.#processes;
    const { name, mark, folder, script } = this.#shell;
    if (this.#known && processes.isAlive(this.#known.pid, this.#known.ticks)) return;
    // It may be what a shell has just started: that one runs, and is found once its child has ended.
    let [pid] = processes.marked(name, mark);
    pid ??= processes.spawn(["/bin/sh", "-c", `unset ${name}\n${script}`], {
      folder,
      env: { PATH: systemPath, LC_ALL: "C", [name]: mark },
      detachedLog: join(folder, `${name.toLowerCase().replace("canopy_", "")}.log`),
    }).pid;
    const ticks = processes.startedTicks(pid);
    this.#known = ticks === undefined ? undefined : { pid, ticks };
  }
}
