import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Process } from "#/base/processes.ts";
import type { InstanceDriverParts } from "../instance-driver.ts";
import { systemPath } from "../instances/command.ts";
import { instanceMark } from "./instance-mark.ts";
import { supervisorCommand, type SupervisorParts } from "./supervisor-script.ts";

type Parts = Pick<InstanceDriverParts, "clock" | "processes" | "log" | "folder" | "mark">;

interface Ready {
  process: Process;
  parts: SupervisorParts;
}

/**
 * Supervisors that wait for a container, so that its start does not wait for them. There are none before the first container was
 * started, nor long after the last one; none outlives the agent.
 */
export class ReadySupervisors {
  #parts: Parts;
  #ready = new Set<Ready>();
  #filling: Timer | undefined;
  #ending: Timer | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** One that was made with these, if there is one; it is nobody else's then. */
  take(parts: SupervisorParts): Process | undefined {
    for (const one of this.#ready) {
      if (!isDeepStrictEqual(one.parts, parts)) continue;
      this.#ready.delete(one);
      if (this.#parts.processes.isAlive(one.process.pid)) return one.process;
    }
    return undefined;
  }

  /** A container was started with these: others may be before long. Those that were made with others go. */
  more(parts: SupervisorParts): void {
    const { clock, log } = this.#parts;
    this.#filling?.cancel();
    this.#ending?.cancel();
    const fill = () => {
      this.endAll((one) => !isDeepStrictEqual(one.parts, parts));
      try {
        while (this.#ready.size < limits.supervisorsReady) this.#make(parts);
      } catch (thrown) {
        log.warn("no container is prepared for", { error: messageOf(thrown) });
      }
    };
    this.#filling = clock.after(limits.supervisorsReadyAfterMs, fill, true);
    this.#ending = clock.after(limits.supervisorsReadyMs, () => this.endAll(), true);
  }

  #make(parts: SupervisorParts): void {
    const { folder, mark } = this.#parts;
    const log = join(folder, "supervisors.log");
    const process = startSupervisor(this.#parts, parts, { folder, log, mark: `${mark}/ready` });
    const one = { process, parts };
    this.#ready.add(one);
    const left = () => void this.#ready.delete(one);
    process.ended.then(left, left);
  }

  endAll(isOver: (one: Ready) => boolean = () => true): void {
    for (const one of this.#ready) {
      if (!isOver(one)) continue;
      this.#ready.delete(one);
      one.process.stdin.end();
    }
  }
}

/** Starts one that waits for a container; it ends when its input does. */
export function startSupervisor(
  { processes }: Pick<Parts, "processes">,
  parts: SupervisorParts,
  { folder, log, mark }: { folder: string; log: string; mark: string },
): Process {
  return processes.spawn(supervisorCommand(parts), {
    folder,
    env: { PATH: systemPath, LC_ALL: "C", [instanceMark]: mark },
    detachedLog: log,
    hears: true,
  });
}
